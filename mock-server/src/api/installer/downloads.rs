//! The downloads in progress: all read one copy of the program, and their number is limited.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Each costs a connection, whose client may read slowly.
const MAX_DOWNLOADS: usize = 256;
const MAX_DOWNLOADS_OF_ADDRESS: usize = 32;
/// How long a download waits for others to end: a rollout begins them all at once.
const MAX_WAIT: Duration = Duration::from_secs(20);
/// The largest program that is served: it is read into memory.
const MAX_PROGRAM_LEN: u64 = 512 << 20;

/// The downloads of this process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Downloads(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    all: Arc<Semaphore>,
    by_address: Mutex<HashMap<Option<IpAddr>, Arc<Semaphore>>>,
    /// Exists as long as a download reads it.
    program: tokio::sync::Mutex<Weak<Program>>,
    /// Of the program that was last asked for, in hex
    checksum: tokio::sync::Mutex<Option<(Identity, String)>>,
}

/// What tells whether a file was replaced.
type Identity = (u64, u64, Option<SystemTime>);

/// The content of the program's file.
#[derive(Debug)]
struct Program {
    identity: Identity,
    content: Vec<u8>,
}

/// A download in progress; ends when dropped.
#[derive(Debug)]
pub struct Download {
    downloads: Downloads,
    address: Option<IpAddr>,
    permits: Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
}

impl Default for Shared {
    fn default() -> Self {
        let all = Arc::new(Semaphore::new(MAX_DOWNLOADS));
        Self {
            all,
            by_address: Mutex::default(),
            program: tokio::sync::Mutex::default(),
            checksum: tokio::sync::Mutex::default(),
        }
    }
}

impl Downloads {
    /// Waits until a download may begin; `None` if that takes too long.
    pub async fn begin(&self, address: Option<IpAddr>) -> Option<Download> {
        self.begin_within(address, MAX_WAIT).await
    }

    async fn begin_within(&self, address: Option<IpAddr>, wait: Duration) -> Option<Download> {
        let of_address = Arc::clone(
            self.addresses()
                .entry(address)
                .or_insert_with(|| Arc::new(Semaphore::new(MAX_DOWNLOADS_OF_ADDRESS))),
        );
        // The download exists before the wait, so that a client that gives up leaves nothing behind.
        let mut download = Download { downloads: self.clone(), address, permits: None };
        let permits = async { Some((of_address.acquire_owned().await.ok()?, self.all().await?)) };
        download.permits = Some(timeout(wait, permits).await.ok()??);
        Some(download)
    }

    async fn all(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.all).acquire_owned().await.ok()
    }

    /// Returns the content of a file, of which all downloads share one copy.
    pub async fn content(&self, file: &Path, download: Download) -> io::Result<Bytes> {
        let program = self.program(file).await?;
        Ok(Bytes::from_owner(Downloaded { program, _download: download }))
    }

    /// Returns the SHA-256 of a file's content, in hex.
    pub async fn checksum(&self, file: &Path, _download: Download) -> io::Result<String> {
        let mut known = self.0.checksum.lock().await;
        let now = identity(&tokio::fs::metadata(file).await?)?;
        if let Some((identity, checksum)) = known.as_ref()
            && *identity == now
        {
            return Ok(checksum.clone());
        }
        let program = self.program(file).await?;
        let (identity, checksum) = tokio::task::spawn_blocking(move || {
            (program.identity, hex::encode(Sha256::digest(&program.content)))
        })
        .await
        .map_err(io::Error::other)?;
        *known = Some((identity, checksum.clone()));
        Ok(checksum)
    }

    async fn program(&self, file: &Path) -> io::Result<Arc<Program>> {
        let mut current = self.0.program.lock().await;
        let identity = identity(&tokio::fs::metadata(file).await?)?;
        if let Some(program) = current.upgrade().filter(|program| program.identity == identity) {
            return Ok(program);
        }
        let content = tokio::fs::read(file).await?;
        let program = Arc::new(Program { identity, content });
        *current = Arc::downgrade(&program);
        Ok(program)
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<Option<IpAddr>, Arc<Semaphore>>> {
        self.0.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes of a download, with whose end it ends.
struct Downloaded {
    program: Arc<Program>,
    _download: Download,
}

impl AsRef<[u8]> for Downloaded {
    fn as_ref(&self) -> &[u8] {
        &self.program.content
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.permits.take();
        let mut addresses = self.downloads.addresses();
        // Those that wait or download hold the semaphore as well.
        if addresses.get(&self.address).is_some_and(|semaphore| Arc::strong_count(semaphore) == 1) {
            addresses.remove(&self.address);
        }
    }
}

fn identity(found: &std::fs::Metadata) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    match found.len() {
        length if !found.is_file() || length > MAX_PROGRAM_LEN => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "not a file of at most 512 MiB"))
        }
        length => Ok((found.ino(), length, found.modified().ok())),
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[tokio::test]
    async fn downloads_share_one_copy_of_the_current_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ztna");
        std::fs::write(&file, "first").unwrap();
        let downloads = Downloads::default();
        let mut contents = Vec::new();
        for _ in 0..10 {
            let download = downloads.begin(ip("192.0.2.1")).await.unwrap();
            contents.push(downloads.content(&file, download).await.unwrap());
        }
        assert!(contents.iter().all(|content| content.as_ptr() == contents[0].as_ptr()));
        let replacement = folder.path().join("new");
        std::fs::write(&replacement, "second").unwrap();
        std::fs::rename(&replacement, &file).unwrap();
        let download = downloads.begin(ip("192.0.2.1")).await.unwrap();
        assert_eq!(downloads.content(&file, download).await.unwrap(), "second");
        assert_eq!(contents[0], "first", "as it began");
        let download = downloads.begin(ip("192.0.2.1")).await.unwrap();
        let checksum = downloads.checksum(&file, download).await.unwrap();
        assert_eq!(checksum, hex::encode(Sha256::digest("second")));
        drop(contents);
        assert!(downloads.0.program.lock().await.upgrade().is_none());
        assert!(downloads.addresses().is_empty());
    }

    #[tokio::test]
    async fn downloads_are_limited_by_address_and_in_all() {
        let downloads = Downloads::default();
        let mut begun = Vec::new();
        for _ in 0..MAX_DOWNLOADS_OF_ADDRESS {
            begun.push(downloads.begin(ip("192.0.2.1")).await.unwrap());
        }
        let wait = Duration::from_millis(1);
        assert!(downloads.begin_within(ip("192.0.2.1"), wait).await.is_none());
        let mut waiting = Box::pin(downloads.begin(ip("192.0.2.1")));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(downloads.begin_within(ip("192.0.2.2"), wait).await.is_some(), "from elsewhere");
        begun.pop();
        begun.push(waiting.await.expect("the place of another"));
        for n in 0..MAX_DOWNLOADS - MAX_DOWNLOADS_OF_ADDRESS {
            begun.push(downloads.begin(ip(&format!("198.51.100.{}", n % 250))).await.unwrap());
        }
        assert!(downloads.begin_within(ip("192.0.2.3"), wait).await.is_none());
    }

    #[tokio::test]
    async fn folders_and_endless_files_are_not_read() {
        let downloads = Downloads::default();
        for file in ["/", "/dev/zero", "/nowhere"] {
            let download = downloads.begin(None).await.unwrap();
            assert!(downloads.content(Path::new(file), download).await.is_err(), "{file}");
        }
    }
}
