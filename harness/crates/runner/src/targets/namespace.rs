//! A network of a sub-test's own, in which its agent may have a TUN device: nothing of it touches the host's, and
//! sub-tests cannot meet.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread;

use reqwest::Url;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// The device that TUN devices are made with.
const TUN: &str = "/dev/net/tun";

type Work = Box<dyn FnOnce() + Send>;

/// A network namespace with a loopback interface and nothing else. A thread lives in it; what the thread makes (sockets,
/// processes) belongs to it, and it goes with the last of them.
pub struct Namespace {
    work: mpsc::Sender<Work>,
}

/// A network of a sub-test's own, in which the control plane answers where it answers outside.
#[derive(Debug)]
pub struct Network {
    namespace: Arc<Namespace>,
    _gate: Gate,
}

/// Where a namespace's processes find the control plane: at its own address, so that its URL is the same inside.
#[derive(Debug)]
struct Gate {
    task: JoinHandle<()>,
}

/// Whether agents can have TUN devices here.
///
/// # Errors
/// A line that says what is missing.
pub fn tun_devices() -> Result<(), String> {
    std::fs::File::options()
        .read(true)
        .write(true)
        .open(TUN)
        .map_err(|cause| format!("{TUN} cannot be opened: {cause}"))?;
    Namespace::make().map(drop).map_err(|cause| format!("no network namespace can be made: {cause}"))
}

impl Namespace {
    /// Makes one.
    ///
    /// # Errors
    /// It takes root on Linux, and the program `ip`.
    pub fn make() -> io::Result<Self> {
        let (work, todo) = mpsc::channel::<Work>();
        let (ready, made) = mpsc::channel();
        thread::Builder::new().name("namespace".to_owned()).spawn(move || {
            let entered = enter();
            let failed = entered.is_err();
            let _ = ready.send(entered);
            if !failed {
                // Ends with the last sender.
                todo.into_iter().for_each(|work| work());
            }
        })?;
        made.recv().unwrap_or_else(|_| Err(gone()))?;
        Ok(Self { work })
    }

    /// Does something inside. What it waits for, everybody inside waits for.
    ///
    /// # Errors
    /// The namespace's thread is gone.
    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let (answer, done) = mpsc::channel();
        let work = Box::new(move || {
            let _ = answer.send(work());
        });
        self.work.send(work).map_err(|_| gone())?;
        done.recv().map_err(|_| gone())
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
    /// Listens inside at the address of the control plane outside, and passes on what comes.
    ///
    /// # Errors
    /// It cannot listen there.
    fn open(namespace: &Namespace, control_plane: SocketAddr) -> io::Result<Self> {
        let inside = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), control_plane.port());
        let listener = namespace.run(move || TcpListener::bind(inside))??;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let task = tokio::spawn(async move {
            while let Ok((inner, _)) = listener.accept().await {
                tokio::spawn(pass(inner, control_plane));
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

/// Bytes as they come: what is inside may be more than HTTP. A connection that breaks breaks on both sides.
async fn pass(mut inner: TcpStream, to: SocketAddr) {
    let _ = inner.set_nodelay(true);
    if let Ok(mut outer) = TcpStream::connect(to).await {
        let _ = outer.set_nodelay(true);
        let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
    }
}

fn gone() -> io::Error {
    io::Error::other("the namespace is gone")
}

/// Moves the calling thread into a namespace of its own.
#[cfg(target_os = "linux")]
fn enter() -> io::Result<()> {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET)?;
    let done = std::process::Command::new("ip").args(["link", "set", "lo", "up"]).output();
    let done = done.map_err(|cause| io::Error::new(cause.kind(), format!("`ip` cannot be run: {cause}")))?;
    match done.status.success() {
        true => Ok(()),
        false => {
            let told = String::from_utf8_lossy(&done.stderr).trim().to_owned();
            Err(io::Error::other(format!("`ip link set lo up` failed: {told}")))
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn enter() -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this is not Linux"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_inside_meets_the_control_plane_and_nothing_else() {
        if let Err(missing) = tun_devices() {
            assert!(std::env::var_os("ZTNA_TESTS_SKIP_NOTHING").is_none(), "{missing}");
            return;
        }
        let outside = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = outside.local_addr().unwrap();
        let namespace = Namespace::make().unwrap();
        let connect = move || std::net::TcpStream::connect(address).map(drop);
        assert!(namespace.run(connect).unwrap().is_err(), "the host's network is seen");
        let gate = Gate::open(&namespace, address).unwrap();
        assert!(namespace.run(connect).unwrap().is_ok());
        outside.accept().await.unwrap();
        let names = |namespace: &Namespace| {
            let links = namespace.run(|| std::process::Command::new("ip").args(["-o", "link"]).output());
            String::from_utf8(links.unwrap().unwrap().stdout).unwrap().lines().count()
        };
        assert_eq!(names(&namespace), 1, "loopback alone");
        drop(gate);
    }
}
