//! A network namespace for a sub-test, in which its agent can create TUN devices without affecting the host or other
//! sub-tests.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread;

use reqwest::Url;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

const TUN: &str = "/dev/net/tun";

type Work = Box<dyn FnOnce() + Send>;

/// A network namespace with only a loopback interface. A thread lives in it; sockets and processes that the thread creates
/// belong to the namespace, which disappears with the last of them.
pub struct Namespace {
    work: mpsc::Sender<Work>,
}

/// A sub-test's own network, in which the control plane has the same URL as outside.
#[derive(Debug)]
pub struct Network {
    namespace: Arc<Namespace>,
    _gate: Gate,
}

/// Forwards connections from inside a namespace to the control plane outside, at the same port, so that its URL is the same
/// in both.
#[derive(Debug)]
struct Gate {
    task: JoinHandle<()>,
}

/// Why agents cannot create TUN devices on this host.
#[derive(Debug, thiserror::Error)]
pub enum TunError {
    #[error("failed to open {TUN}: {0}")]
    Device(io::Error),
    #[error("failed to create a network namespace: {0}")]
    Namespace(io::Error),
}

/// Checks whether agents can create TUN devices on this host.
pub fn check_tun_devices() -> Result<(), TunError> {
    std::fs::File::options().read(true).write(true).open(TUN).map_err(TunError::Device)?;
    Namespace::make().map(drop).map_err(TunError::Namespace)
}

impl Namespace {
    /// Creates a namespace.
    ///
    /// # Errors
    /// This needs Linux, root and the program `ip`.
    pub fn make() -> io::Result<Self> {
        let (work, todo) = mpsc::channel::<Work>();
        let (ready, made) = mpsc::channel();
        thread::Builder::new().name("namespace".to_owned()).spawn(move || {
            let entered = enter();
            let failed = entered.is_err();
            let _ = ready.send(entered);
            if !failed {
                // Ends when the last sender is dropped.
                todo.into_iter().for_each(|work| work());
            }
        })?;
        made.recv().unwrap_or_else(|_| Err(thread_ended()))?;
        Ok(Self { work })
    }

    /// Runs `work` on the namespace's thread, which must not block: all work shares that thread.
    ///
    /// # Errors
    /// The namespace's thread has ended.
    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let (answer, done) = mpsc::channel();
        let work = Box::new(move || {
            let _ = answer.send(work());
        });
        self.work.send(work).map_err(|_| thread_ended())?;
        done.recv().map_err(|_| thread_ended())
    }
}

impl Network {
    /// Makes one around the control plane at that URL.
    ///
    /// # Errors
    /// The URL has no address, or there can be no network namespace.
    pub fn around(base_url: &Url) -> io::Result<Self> {
        let control_plane = base_url.socket_addrs(|| None)?.into_iter().next();
        let control_plane = control_plane.ok_or(io::ErrorKind::AddrNotAvailable)?;
        let namespace = Namespace::make()?;
        let gate = Gate::open(&namespace, control_plane)?;
        Ok(Self { namespace: Arc::new(namespace), _gate: gate })
    }

    /// Where its processes are to be started.
    pub fn namespace(&self) -> &Arc<Namespace> {
        &self.namespace
    }
}

impl Gate {
    /// Listens inside on the control plane's port, and forwards connections to it.
    fn open(namespace: &Namespace, control_plane: SocketAddr) -> io::Result<Self> {
        let inside = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), control_plane.port());
        let listener = namespace.run(move || TcpListener::bind(inside))??;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let task = tokio::spawn(async move {
            while let Ok((inner, _)) = listener.accept().await {
                tokio::spawn(forward(inner, control_plane));
            }
        });
        Ok(Self { task })
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Namespace")
    }
}

/// Copies bytes in both directions, as not all of them are HTTP. When one side closes, so does the other.
async fn forward(mut inner: TcpStream, to: SocketAddr) {
    let _ = inner.set_nodelay(true);
    if let Ok(mut outer) = TcpStream::connect(to).await {
        let _ = outer.set_nodelay(true);
        let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
    }
}

fn thread_ended() -> io::Error {
    io::Error::other("the network namespace has ended")
}

/// Moves the calling thread into a new namespace.
#[cfg(target_os = "linux")]
fn enter() -> io::Result<()> {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET)?;
    let done = std::process::Command::new("ip").args(["link", "set", "lo", "up"]).output();
    let done = done.map_err(|cause| io::Error::new(cause.kind(), format!("failed to run `ip`: {cause}")))?;
    match done.status.success() {
        true => Ok(()),
        false => {
            let stderr = String::from_utf8_lossy(&done.stderr).trim().to_owned();
            Err(io::Error::other(format!("`ip link set lo up` failed: {stderr}")))
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn enter() -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "network namespaces need Linux"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    #[ignore = "needs root and ip"]
    async fn namespace_reaches_only_the_control_plane() {
        check_tun_devices().unwrap();
        let outside = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = outside.local_addr().unwrap();
        let namespace = Namespace::make().unwrap();
        let connect = move || std::net::TcpStream::connect(address).map(drop);
        assert!(namespace.run(connect).unwrap().is_err(), "the host's network is reachable");
        let gate = Gate::open(&namespace, address).unwrap();
        assert!(namespace.run(connect).unwrap().is_ok());
        outside.accept().await.unwrap();
        let names = |namespace: &Namespace| {
            let links = namespace.run(|| std::process::Command::new("ip").args(["-o", "link"]).output());
            String::from_utf8(links.unwrap().unwrap().stdout).unwrap().lines().count()
        };
        assert_eq!(names(&namespace), 1, "only loopback");
        drop(gate);
    }
}
