//! The database's files: only the user who runs the server can read them.

use std::fs::{DirBuilder, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::StoreError;

const OTHERS_MAY_WRITE: u32 = 0o022;
const OTHERS_MAY_DO_ANYTHING: u32 = 0o077;
/// SQLite gives them the mode of the database.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// Creates the file (0600) and its folder (0700) if they do not exist. Folders above it must exist, lest a mistyped path
/// leave a tree behind.
///
/// # Errors
/// Other users can write to the folder, and so replace files in it.
pub(super) fn create(database: &Path) -> Result<(), StoreError> {
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    prepare_folder(folder, database)?;
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(database);
    match created {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => refuse_special(database),
        Err(error) => Err(failed(database, error)),
    }
}

/// Refuses folders, and files that would block or be overwritten, such as pipes and devices.
fn refuse_special(database: &Path) -> Result<(), StoreError> {
    match database.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(StoreError::NotAFile { path: database.to_owned() }),
        Err(error) => Err(failed(database, error)),
    }
}

/// Refuses a database if other users can read or write one of its files.
pub(super) fn refuse_exposed(database: &Path) -> Result<(), StoreError> {
    let companions = COMPANIONS.map(|suffix| {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    });
    for file in std::iter::once(database).chain(companions.iter().map(PathBuf::as_path)) {
        let mode = match file.metadata() {
            Ok(metadata) => permissions(&metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(file, error)),
        };
        if mode & OTHERS_MAY_DO_ANYTHING != 0 {
            return Err(StoreError::ReadableByOthers { path: file.to_owned(), mode });
        }
    }
    Ok(())
}

fn prepare_folder(folder: &Path, database: &Path) -> Result<(), StoreError> {
    let mode = match folder.metadata() {
        Ok(metadata) => permissions(&metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let created = DirBuilder::new().mode(0o700).create(folder);
            return created.map_err(|error| failed(database, error));
        }
        Err(error) => return Err(failed(database, error)),
    };
    if mode & OTHERS_MAY_WRITE != 0 {
        return Err(StoreError::WritableByOthers { folder: folder.to_owned(), mode });
    }
    Ok(())
}

fn permissions(metadata: &Metadata) -> u32 {
    metadata.mode() & 0o7777
}

fn failed(path: &Path, source: io::Error) -> StoreError {
    StoreError::Files { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode_of(path: &Path) -> u32 {
        permissions(&path.metadata().unwrap())
    }

    #[test]
    fn new_files_and_folders_are_private() {
        let root = tempfile::tempdir().unwrap();
        let database = root.path().join("new/plane.db");
        create(&database).unwrap();
        assert_eq!((mode_of(&database), mode_of(&root.path().join("new"))), (0o600, 0o700));
        create(&database).unwrap();
        refuse_exposed(&database).unwrap();
    }

    #[test]
    fn files_that_others_can_use_are_refused() {
        for (name, mode) in
            [("plane.db", 0o644), ("plane.db", 0o620), ("plane.db-wal", 0o604), ("plane.db-shm", 0o660)]
        {
            let root = tempfile::tempdir().unwrap();
            let file = root.path().join(name);
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            let refused = refuse_exposed(&root.path().join("plane.db")).unwrap_err();
            assert!(
                matches!(&refused, StoreError::ReadableByOthers { path, mode: found } if *path == file && *found == mode),
                "{refused}"
            );
        }
    }

    #[test]
    fn folders_that_others_can_write_to_are_refused() {
        for (mode, refused) in [(0o1777, true), (0o770, true), (0o702, true), (0o755, false), (0o700, false)]
        {
            let root = tempfile::tempdir().unwrap();
            fs::set_permissions(root.path(), Permissions::from_mode(mode)).unwrap();
            let created = create(&root.path().join("plane.db"));
            assert_eq!(matches!(created, Err(StoreError::WritableByOthers { .. })), refused, "{mode:o}");
        }
    }
}
