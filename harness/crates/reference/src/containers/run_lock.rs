//! Who a container belongs to: a lock file that a run holds as long as it lives, however it ends.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::error::ContainersError;

/// The labels of everything that a run creates.
const RUN: &str = "com.quickztna.harness.run";
const LOCK: &str = "com.quickztna.harness.lock";
const HOST: &str = "com.quickztna.harness.host";

const FOLDER: &str = "quickztna-containers";
/// Distinguishes hosts, and the same host before and after a restart.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The identity of a run. Its containers and networks outlive it only if it is killed.
#[derive(Debug)]
pub(super) struct RunLock {
    id: String,
    path: PathBuf,
    host: String,
    _file: File,
}

impl RunLock {
    pub(super) fn acquire() -> Result<Self, ContainersError> {
        let folder = std::env::temp_dir().join(FOLDER);
        let failed = |path: &Path| {
            let path = path.display().to_string();
            move |cause| ContainersError::Lock { path, cause }
        };
        std::fs::create_dir_all(&folder).map_err(failed(&folder))?;
        let id = format!("{:x}-{:x}", std::process::id(), started_at());
        let path = folder.join(&id);
        let file = File::create(&path).map_err(failed(&path))?;
        file.lock().map_err(failed(&path))?;
        Ok(Self { id, path, host: this_host(), _file: file })
    }

    /// A short name for containers and networks.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The labels of everything that the run creates.
    pub(super) fn labels(&self) -> HashMap<String, String> {
        let path = self.path.display().to_string();
        [(RUN, self.id.clone()), (LOCK, path), (HOST, self.host.clone())]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    /// The filter of everything that the run has created.
    pub(super) fn own(&self) -> String {
        format!("{RUN}={}", self.id)
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Without the file a run counts as ended.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The filter of what runs of this host have created.
pub(super) fn of_this_host() -> String {
    format!("{HOST}={}", this_host())
}

/// The run that the labels name.
pub(super) fn run_of(labels: &HashMap<String, String>) -> Option<String> {
    labels.get(RUN).cloned()
}

/// Whether the run with these labels has ended. In doubt it has not.
pub(super) fn has_ended(labels: &HashMap<String, String>) -> bool {
    let Some(path) = labels.get(LOCK) else { return false };
    match File::open(path) {
        Err(error) => error.kind() == io::ErrorKind::NotFound,
        Ok(file) => match file.try_lock() {
            Ok(()) => {
                let _ = std::fs::remove_file(path);
                true
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        },
    }
}

fn this_host() -> String {
    std::fs::read_to_string(BOOT_ID).unwrap_or_default().trim().to_owned()
}

fn started_at() -> u128 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map(|since| since.as_micros()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_ended_once_its_lock_is_free() {
        let lock = RunLock::acquire().unwrap();
        let labels = lock.labels();
        assert!(!has_ended(&labels), "it is held");
        drop(lock);
        assert!(has_ended(&labels), "its file is gone");
        // Killed: the file remains, and the kernel has released the lock.
        std::fs::write(&labels[LOCK], "").unwrap();
        assert!(has_ended(&labels));
        assert!(!Path::new(&labels[LOCK]).exists());
        assert!(!has_ended(&HashMap::new()), "not a run's");
    }
}
