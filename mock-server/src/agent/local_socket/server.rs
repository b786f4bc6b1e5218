//! The side of the running `ztna up`.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};

use super::address::SocketAddress;
use super::message::{Phase, Request, RunningStatus};

/// No request is longer; a peer that sends more is no command of ours.
const LONGEST_REQUEST: u64 = 4096;

/// How long a peer may take to send its request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The socket, answering in the background as long as this value lives.
#[derive(Debug)]
pub(crate) struct LocalSocket {
    address: SocketAddress,
    answering: tokio::task::JoinHandle<()>,
    stop_requests: mpsc::Receiver<StopRequest>,
}

/// Somebody waits for the end: they learn of it when this value is dropped.
#[derive(Debug)]
pub(crate) struct StopRequest {
    _stream: UnixStream,
}

impl LocalSocket {
    /// Listens in `folder`. The caller holds the folder's lock: a socket
    /// that is already there was left by a process that was killed.
    pub(crate) fn listen(folder: &Path, phase: watch::Receiver<Phase>) -> io::Result<Self> {
        let address = SocketAddress::within(folder)?;
        remove(address.path())?;
        let listener = UnixListener::bind(address.path())?;
        let (stop, stop_requests) = mpsc::channel(1);
        let answering = tokio::spawn(accept(listener, phase, stop));
        Ok(Self { address, answering, stop_requests })
    }

    /// Waits until some command asks for the end.
    pub(crate) async fn stop_request(&mut self) -> StopRequest {
        match self.stop_requests.recv().await {
            Some(request) => request,
            // Only when the task below has died, which leaves signals as the way to stop.
            None => std::future::pending().await,
        }
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        self.answering.abort();
        let _ = remove(self.address.path());
    }
}

fn remove(socket: &Path) -> io::Result<()> {
    match std::fs::remove_file(socket) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

async fn accept(listener: UnixListener, phase: watch::Receiver<Phase>, stop: mpsc::Sender<StopRequest>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(answer(stream, phase.clone(), stop.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the local socket was not accepted");
                // Out of descriptors: at once the same again.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(stream: UnixStream, phase: watch::Receiver<Phase>, stop: mpsc::Sender<StopRequest>) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let mut bounded = (&mut stream).take(LONGEST_REQUEST);
    let read = bounded.read_line(&mut line);
    // Nobody is owed an answer to what is not a request.
    let Ok(Ok(_)) = tokio::time::timeout(REQUEST_TIMEOUT, read).await else { return };
    match serde_json::from_str(&line) {
        Ok(Request::Status) => {
            let status = RunningStatus { pid: std::process::id(), phase: *phase.borrow() };
            if let Ok(mut text) = serde_json::to_vec(&status) {
                text.push(b'\n');
                let _ = stream.write_all(&text).await;
            }
        }
        Ok(Request::Stop) => {
            let _ = stop.send(StopRequest { _stream: stream.into_inner() }).await;
        }
        Err(error) => tracing::debug!(%error, "not a request"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ask_status, stop};
    use super::*;

    async fn asked<T: Send + 'static>(ask: impl FnOnce() -> T + Send + 'static) -> T {
        tokio::task::spawn_blocking(ask).await.unwrap()
    }

    #[tokio::test]
    async fn status_and_stop_over_a_path_longer_than_a_socket_address() {
        for depth in [0, 3] {
            let parent = tempfile::tempdir().unwrap();
            let folder = (0..depth).fold(parent.path().to_owned(), |path, _| path.join("x".repeat(60)));
            std::fs::create_dir_all(&folder).unwrap();
            // What a killed process leaves behind.
            drop(std::os::unix::net::UnixListener::bind(SocketAddress::within(&folder).unwrap().path()));
            let path = folder.clone();
            assert_eq!(asked(move || ask_status(&path)).await.unwrap(), None);

            let (phase, watched) = watch::channel(Phase::Starting);
            let mut socket = LocalSocket::listen(&folder, watched).unwrap();
            phase.send_replace(Phase::Quarantined);
            let path = folder.clone();
            let status = asked(move || ask_status(&path)).await.unwrap().unwrap();
            assert_eq!(status, RunningStatus { pid: std::process::id(), phase: Phase::Quarantined });

            let path = folder.clone();
            let stopping = tokio::task::spawn_blocking(move || stop(&path));
            let request = socket.stop_request().await;
            assert!(!stopping.is_finished(), "stop waits for the end");
            drop(socket);
            drop(request);
            assert!(stopping.await.unwrap().unwrap());
            assert!(!asked(move || stop(&folder)).await.unwrap());
        }
    }

    #[tokio::test]
    async fn noise_is_dropped_and_harms_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let (_phase, watched) = watch::channel(Phase::Online);
        let _socket = LocalSocket::listen(folder.path(), watched).unwrap();
        for noise in [&b"\n"[..], b"{\"command\":\"explode\"}\n", b"\xff\xfe\n", &[b'x'; 9000]] {
            let address = SocketAddress::within(folder.path()).unwrap();
            let mut stream = UnixStream::connect(address.path()).await.unwrap();
            let _ = stream.write_all(noise).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            assert_eq!(answer, b"");
        }
        let path = folder.path().to_owned();
        assert!(asked(move || ask_status(&path)).await.unwrap().is_some());
    }
}
