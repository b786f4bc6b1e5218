//! The side of the running `ztna up`.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};

use super::address::SocketAddress;
use super::dial::{self, Tickets};
use super::message::{Phase, PingAnswer, Request, RunningStatus};
use super::reply::say;
use crate::tunnel::Tunnel;

/// No request is longer; a peer that sends more is no command of ours.
const LONGEST_REQUEST: u64 = 4096;

/// How long a peer may take to send its request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// No command waits longer for a machine.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

const NO_TUNNEL: &str = "the running 'ztna up' has no tunnel yet: it is not registered. 'ztna status --json' shows what it waits for";

/// What the running `ztna up` tells about itself.
#[derive(Debug, Clone)]
pub(crate) struct Insight {
    /// What it is at.
    pub(crate) phase: watch::Receiver<Phase>,
    /// Its tunnel, once it has one.
    pub(crate) tunnel: watch::Receiver<Option<Tunnel>>,
}

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
    pub(crate) fn listen(folder: &Path, insight: Insight) -> io::Result<Self> {
        let address = SocketAddress::within(folder)?;
        remove(address.path())?;
        let listener = UnixListener::bind(address.path())?;
        let (stop, stop_requests) = mpsc::channel(1);
        let answering = tokio::spawn(accept(listener, insight, stop));
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

async fn accept(listener: UnixListener, insight: Insight, stop: mpsc::Sender<StopRequest>) {
    let tickets = Tickets::default();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(answer(stream, insight.clone(), tickets.clone(), stop.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the local socket was not accepted");
                // Out of descriptors: at once the same again.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(stream: UnixStream, insight: Insight, tickets: Tickets, stop: mpsc::Sender<StopRequest>) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let mut bounded = (&mut stream).take(LONGEST_REQUEST);
    let read = bounded.read_line(&mut line);
    // Nobody is owed an answer to what is not a request.
    let Ok(Ok(_)) = tokio::time::timeout(REQUEST_TIMEOUT, read).await else { return };
    match serde_json::from_str(&line) {
        Ok(Request::Status) => {
            say(&mut stream, &insight.status().await).await;
        }
        Ok(Request::Ping { machine, limit }) => {
            let limit = Duration::from_millis(limit).min(LONGEST_WAIT);
            say(&mut stream, &insight.ping(machine, limit).await).await;
        }
        Ok(Request::Dial { machine, port, limit }) => {
            let limit = Duration::from_millis(limit).min(LONGEST_WAIT);
            let tunnel = insight.tunnel().ok_or(NO_TUNNEL);
            dial::answer(&mut stream, tunnel, tickets, (machine, port), limit).await;
        }
        Ok(Request::Attach { ticket }) => dial::attach(stream, tickets, ticket).await,
        Ok(Request::Stop) => {
            let _ = stop.send(StopRequest { _stream: stream.into_inner() }).await;
        }
        Err(error) => tracing::debug!(%error, "not a request"),
    }
}

impl Insight {
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
            Ok(pinged) => PingAnswer::Pong(pinged),
            Err(failure) => PingAnswer::Failure(failure.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::super::{ask_status, ping, stop};
    use super::*;

    fn insight(phase: watch::Receiver<Phase>) -> Insight {
        Insight { phase, tunnel: watch::channel(None).1 }
    }

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
            let mut socket = LocalSocket::listen(&folder, insight(watched)).unwrap();
            phase.send_replace(Phase::Quarantined);
            let path = folder.clone();
            let status = asked(move || ask_status(&path)).await.unwrap().unwrap();
            assert_eq!((status.pid, status.phase), (std::process::id(), Phase::Quarantined));
            assert_eq!((status.mode, status.peers), (None, Vec::new()));
            let path = folder.clone();
            let refused = asked(move || ping(&path, "anybody", Duration::from_secs(1))).await.unwrap();
            assert_eq!(refused, Some(Err(NO_TUNNEL.to_owned())));

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
        let _socket = LocalSocket::listen(folder.path(), insight(watched)).unwrap();
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
