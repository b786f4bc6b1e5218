//! The key that signs access tokens, in a file apart from the data: a copy of the database forges no session.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::control::Random;
use crate::store::{Location, Store, StoreError, settings};

/// Where replicas on PostgreSQL share the secret, unless each has a file with it.
pub(super) const SHARED_SETTING: &str = "session_secret";

const OTHERS_MAY_DO_ANYTHING: u32 = 0o077;
/// 64 hexadecimal digits and a line end; more is not read.
const MAX_LEN: u64 = 128;

#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    #[error("cannot read or create the session secret {}: {source}\nChoose another file with --session-secret.", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(
        "other users can read or write the session secret {} (mode {mode:04o})\nRun `chmod 600` on it, then `mock-server rotate-secret`.",
        path.display()
    )]
    Exposed { path: PathBuf, mode: u32 },
    #[error(
        "invalid session secret in {}: expected 64 hexadecimal digits\nRun `mock-server rotate-secret`; all sessions end.",
        path.display()
    )]
    Invalid { path: PathBuf },
}

/// Returns the file with the secret of a database: `PATH.session-secret` beside it. Databases in memory and those that replicas share
/// have none.
pub(super) fn default_file(database: &Location) -> Option<PathBuf> {
    let Location::File(path) = database else { return None };
    let mut name = path.as_os_str().to_owned();
    name.push(".session-secret");
    Some(name.into())
}

/// Reads the secret; creates the file (0600) with `initial` if it does not exist.
///
/// # Errors
/// Other users can use the file, or it is not one of this program.
pub(super) fn load_or_create(path: &Path, initial: [u8; 32]) -> Result<[u8; 32], SecretFileError> {
    let failed = |source| SecretFileError::File { path: path.to_owned(), source };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let new = written_beside(path, initial).map_err(failed)?;
            match new.persist_noclobber(path) {
                Ok(_) => return Ok(initial),
                // Another server on the same database was faster.
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                    File::open(path).map_err(failed)?
                }
                Err(error) => return Err(failed(error.error)),
            }
        }
        Err(error) => return Err(failed(error)),
    };
    let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
    if mode & OTHERS_MAY_DO_ANYTHING != 0 {
        return Err(SecretFileError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = Vec::new();
    io::Read::by_ref(&mut file).take(MAX_LEN).read_to_end(&mut text).map_err(failed)?;
    let mut secret = [0; 32];
    hex::decode_to_slice(text.trim_ascii(), &mut secret)
        .map_err(|_| SecretFileError::Invalid { path: path.to_owned() })?;
    Ok(secret)
}

/// Replaces the secret, or creates the file. Servers use it from their next start on; until then, their sessions stay
/// valid.
pub(super) fn rotate(path: &Path, random: &Random) -> Result<(), SecretFileError> {
    let failed = |source| SecretFileError::File { path: path.to_owned(), source };
    let file = written_beside(path, random.bytes()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// As [`rotate`], where replicas share it.
pub(super) async fn rotate_shared(store: &Store, random: &Random) -> Result<(), StoreError> {
    let secret = hex::encode(random.bytes::<32>());
    store.write(move |tx| settings::put(tx, SHARED_SETTING, &secret)).await
}

/// Writes a secret to a temporary file (0600), so that the file is whole or not there at all.
fn written_beside(path: &Path, secret: [u8; 32]) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    writeln!(file, "{}", hex::encode(secret))?;
    file.as_file().sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn secrets_are_created_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        assert_eq!(load_or_create(&path, [1; 32]).unwrap(), [1; 32]);
        assert_eq!(load_or_create(&path, [2; 32]).unwrap(), [1; 32]);
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn rotation_replaces_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        load_or_create(&path, [1; 32]).unwrap();
        rotate(&path, &Random::seeded(1)).unwrap();
        assert_ne!(load_or_create(&path, [2; 32]).unwrap(), [1; 32]);
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn exposed_and_damaged_secrets_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for (content, mode) in [
            ("", 0o600),
            ("00", 0o600),
            (&"0".repeat(65), 0o600),
            (&"x".repeat(64), 0o600),
            (&"0".repeat(64), 0o640),
            (&"0".repeat(64), 0o602),
        ] {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let message = load_or_create(&path, [1; 32]).unwrap_err().to_string();
            assert!(message.contains("rotate-secret") && message.contains("secret"), "{message}");
        }
    }
}
