//! The server side of the local socket, in the running `ztna up`.

use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};

use super::address::SocketAddress;
use super::dial::{self, DialTarget, Tickets};
use super::message::{Phase, PingAnswer, Request, RunningStatus};
use super::reply::send_line;
use crate::tunnel::Tunnel;

/// Upper bound of a request's length.
const MAX_REQUEST_LEN: u64 = 4096;

/// How long a client may take to send its request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Upper bound of the time limit that a client may request.
const MAX_TIME_LIMIT: Duration = Duration::from_secs(3600);

const NO_TUNNEL: &str = "the running 'ztna up' has no tunnel yet: it is not registered. Run 'ztna status --json' to see its phase";

/// The state of the running `ztna up` that the socket reports.
#[derive(Debug, Clone)]
pub(crate) struct StatusSource {
    pub(crate) phase: watch::Receiver<Phase>,
    /// The tunnel, once there is one.
    pub(crate) tunnel: watch::Receiver<Option<Tunnel>>,
}

/// The listening socket. Answers requests in the background as long as this value lives.
#[derive(Debug)]
pub(crate) struct LocalSocket {
    address: SocketAddress,
    answering: tokio::task::JoinHandle<()>,
    stop_requests: mpsc::Receiver<StopRequest>,
}

/// A client that waits for `ztna up` to stop; it is answered when this value is dropped.
#[derive(Debug)]
pub(crate) struct StopRequest {
    stream: UnixStream,
}

impl StopRequest {
    /// Leaves the answer to the system, which closes the connection when it ends this process.
    pub(crate) fn answer_at_exit(self) {
        std::mem::forget(self.stream.into_std());
    }
}

impl LocalSocket {
    /// Listens in `folder`. The caller holds the folder's lock, so an existing socket was left by a killed process.
    pub(crate) fn listen(folder: &Path, source: StatusSource) -> io::Result<Self> {
        let address = SocketAddress::within(folder)?;
        remove(address.path())?;
        let listener = UnixListener::bind(address.path())?;
        let (stop, stop_requests) = mpsc::channel(1);
        let answering = tokio::spawn(accept(listener, source, stop));
        Ok(Self { address, answering, stop_requests })
    }

    /// Waits for a stop request.
    pub(crate) async fn stop_request(&mut self) -> StopRequest {
        match self.stop_requests.recv().await {
            Some(request) => request,
            // Only if the accepting task has died; signals can still stop the process.
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

/// Removes a socket that is no longer listened on, and nothing else.
fn remove(socket: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(socket) {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(socket),
        Ok(_) => {
            Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is no socket", socket.display())))
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(cause),
    }
}

async fn accept(listener: UnixListener, source: StatusSource, stop: mpsc::Sender<StopRequest>) {
    let tickets = Tickets::default();
    loop {
        match listener.accept().await {
            // Whatever the mode of the socket and its folder.
            Ok((stream, _)) if !is_own(&stream) => tracing::warn!("another user's connection was refused"),
            Ok((stream, _)) => {
                tokio::spawn(answer(stream, source.clone(), tickets.clone(), stop.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "accepting a connection on the local socket failed");
                // Out of descriptors: an immediate retry would fail the same way.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Returns whether the other side runs as the same user, or as root.
fn is_own(stream: &UnixStream) -> bool {
    let user = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == user || peer.uid() == 0)
}

async fn answer(stream: UnixStream, source: StatusSource, tickets: Tickets, stop: mpsc::Sender<StopRequest>) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let mut bounded = (&mut stream).take(MAX_REQUEST_LEN);
    let read = bounded.read_line(&mut line);
    // Anything that is not a request is not answered.
    let Ok(Ok(_)) = tokio::time::timeout(REQUEST_TIMEOUT, read).await else { return };
    match serde_json::from_str(&line) {
        Ok(Request::Status) => {
            send_line(&mut stream, &source.status().await).await;
        }
        Ok(Request::Ping { machine, limit }) => {
            let limit = Duration::from_millis(limit).min(MAX_TIME_LIMIT);
            send_line(&mut stream, &source.ping(machine, limit).await).await;
        }
        Ok(Request::Dial { machine, port, limit }) => {
            let limit = Duration::from_millis(limit).min(MAX_TIME_LIMIT);
            let tunnel = source.tunnel().ok_or(NO_TUNNEL);
            let target = DialTarget { machine, port, limit };
            dial::answer(&mut stream, tunnel, tickets, target).await;
        }
        Ok(Request::Attach { ticket }) => dial::attach(stream, tickets, ticket).await,
        Ok(Request::Stop) => {
            let _ = stop.send(StopRequest { stream: stream.into_inner() }).await;
        }
        Err(error) => tracing::debug!(%error, "invalid request on the local socket"),
    }
}

impl StatusSource {
    fn tunnel(&self) -> Option<Tunnel> {
        self.tunnel.borrow().clone()
    }

    async fn status(&self) -> RunningStatus {
        let tunnel = self.tunnel();
        let phase = *self.phase.borrow();
        let (mode, derp_region, peers) = match tunnel {
            Some(tunnel) => (Some(tunnel.mode()), tunnel.home(), tunnel.peers().await),
            None => (None, None, Vec::new()),
        };
        RunningStatus { pid: std::process::id(), phase, mode, derp_region, peers }
    }

    async fn ping(&self, machine: String, limit: Duration) -> PingAnswer {
        let Some(tunnel) = self.tunnel() else { return PingAnswer::Failure(NO_TUNNEL.to_owned()) };
        match tunnel.ping(machine, limit).await {
            Ok(reply) => PingAnswer::Pong(reply),
            Err(failure) => PingAnswer::Failure(failure.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::super::{ask_status, ping, stop};
    use super::*;

    fn source(phase: watch::Receiver<Phase>) -> StatusSource {
        StatusSource { phase, tunnel: watch::channel(None).1 }
    }

    async fn blocking<T: Send + 'static>(ask: impl FnOnce() -> T + Send + 'static) -> T {
        tokio::task::spawn_blocking(ask).await.unwrap()
    }

    #[tokio::test]
    async fn status_and_stop_work_with_a_long_folder_path() {
        for depth in [0, 3] {
            let parent = tempfile::tempdir().unwrap();
            let folder = (0..depth).fold(parent.path().to_owned(), |path, _| path.join("x".repeat(60)));
            std::fs::create_dir_all(&folder).unwrap();
            // The leftover of a killed process.
            drop(std::os::unix::net::UnixListener::bind(SocketAddress::within(&folder).unwrap().path()));
            let path = folder.clone();
            assert_eq!(blocking(move || ask_status(&path)).await.unwrap(), None);

            let (phase, watched) = watch::channel(Phase::Starting);
            let mut socket = LocalSocket::listen(&folder, source(watched)).unwrap();
            phase.send_replace(Phase::Quarantined);
            let path = folder.clone();
            let status = blocking(move || ask_status(&path)).await.unwrap().unwrap();
            assert_eq!((status.pid, status.phase), (std::process::id(), Phase::Quarantined));
            assert_eq!((status.mode, status.peers), (None, Vec::new()));
            let path = folder.clone();
            let refused = blocking(move || ping(&path, "anybody", Duration::from_secs(1))).await.unwrap_err();
            assert_eq!(refused.to_string(), NO_TUNNEL);

            let path = folder.clone();
            let stopping = tokio::task::spawn_blocking(move || stop(&path));
            let request = socket.stop_request().await;
            assert!(!stopping.is_finished(), "stop waits until `up` has stopped");
            drop(socket);
            drop(request);
            assert!(stopping.await.unwrap().unwrap());
            assert!(!blocking(move || stop(&folder)).await.unwrap());
        }
    }

    #[tokio::test]
    async fn file_in_the_place_of_the_socket_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ztna.sock");
        std::fs::write(&path, "precious").unwrap();
        let (_phase, watched) = watch::channel(Phase::Online);
        let refused = LocalSocket::listen(folder.path(), source(watched)).unwrap_err();
        assert!(refused.to_string().contains("ztna.sock is no socket"), "{refused}");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "precious");
    }

    #[tokio::test]
    async fn invalid_requests_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let (_phase, watched) = watch::channel(Phase::Online);
        let _socket = LocalSocket::listen(folder.path(), source(watched)).unwrap();
        for noise in [&b"\n"[..], b"{\"command\":\"explode\"}\n", b"\xff\xfe\n", &[b'x'; 9000]] {
            let address = SocketAddress::within(folder.path()).unwrap();
            let mut stream = UnixStream::connect(address.path()).await.unwrap();
            let _ = stream.write_all(noise).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            assert_eq!(answer, b"");
        }
        let path = folder.path().to_owned();
        assert!(blocking(move || ask_status(&path)).await.unwrap().is_some());
    }
}
