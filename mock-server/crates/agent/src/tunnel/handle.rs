//! The handle of a running tunnel, used by the rest of the agent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;
use ztna_protocol::region::Region;

use super::command::Command;
use super::config::TunnelConfig;
use super::core::Core;
use super::error::TunnelError;
use super::forwarding::{DialError, DialResult};
use super::mode::Mode;
use super::relay::{Identity, Relays};
use super::socket::Socket;
use super::status::{PeerStatus, PingError, PingReply};
use super::task::Task;
use super::tun::DeviceError;
use super::{endpoints, map};

/// Number of commands that can be queued for the tunnel.
const COMMAND_QUEUE_LEN: usize = 64;

/// A handle of a running tunnel, which closes when its last handle is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Tunnel {
    commands: mpsc::Sender<Command>,
    connected: watch::Receiver<bool>,
    failed: watch::Receiver<Option<Arc<DeviceError>>>,
    mode: Mode,
    port: u16,
    local: bool,
    relay_only: bool,
    home: watch::Receiver<Option<Region>>,
    tasks: Arc<Tasks>,
}

/// The tasks of a tunnel. That which polls the network map is aborted on drop because it would keep the tunnel open.
#[derive(Debug)]
struct Tasks {
    node: AbortHandle,
    follower: AbortHandle,
}

impl Tunnel {
    /// Opens the UDP socket and the backend, and starts polling the network map.
    ///
    /// # Errors
    /// If the socket cannot be opened or the TUN device cannot be configured.
    pub(crate) fn open(config: TunnelConfig) -> Result<Self, TunnelError> {
        let TunnelConfig { control, token, node_key, machine, backend, relay_only } = config;
        let socket = Socket::open().map_err(|cause| TunnelError::Socket(Arc::new(cause)))?;
        let (port, mode, now) = (socket.port(), backend.mode(), Instant::now());
        let mut core = Core::new(node_key.private(), now);
        if relay_only {
            core.use_relays_only();
        }
        let backend = backend.open(machine.address, now)?;
        let (commands, received) = mpsc::channel(COMMAND_QUEUE_LEN);
        let (first_map, connected) = watch::channel(false);
        let (failure, failed) = watch::channel(None);
        let identity = Identity { token: token.clone(), private: node_key.private() };
        let relays = Relays::open(control.clone(), identity);
        let home = relays.home();
        let task = Task::new(socket, relays, core, backend, machine, first_map).run(received);
        let node = tokio::spawn(async move {
            if let Err(error) = task.await {
                failure.send_replace(Some(Arc::new(error)));
            }
        });
        let local = control.is_local();
        let follower = tokio::spawn(map::follow(control, token, commands.clone()));
        let tasks = Arc::new(Tasks { node: node.abort_handle(), follower: follower.abort_handle() });
        Ok(Self { commands, connected, failed, mode, port, local, relay_only, home, tasks })
    }

    /// Closes the tunnel although there may be other handles. When this returns, it sends nothing any more.
    pub(crate) async fn close(&self) {
        self.tasks.follower.abort();
        self.tasks.node.abort();
        // The task owns the sender.
        let mut failed = self.failed.clone();
        while failed.changed().await.is_ok() {}
    }

    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    /// Waits until the tunnel fails and returns the error.
    pub(crate) async fn failed(&self) -> TunnelError {
        let mut failed = self.failed.clone();
        let failure = failed.wait_for(Option::is_some).await.ok().and_then(|failure| failure.clone());
        // The task ended without an error although this handle exists.
        failure.map_or(TunnelError::Stopped, TunnelError::Device)
    }

    /// Waits for the first network map.
    pub(crate) async fn connected(&self) {
        if self.connected.clone().wait_for(|connected| *connected).await.is_err() {
            // The task and the runtime have ended.
            std::future::pending::<()>().await;
        }
    }

    /// Returns the current UDP endpoints of this machine.
    pub(crate) fn endpoints(&self) -> Vec<SocketAddr> {
        if self.relay_only { Vec::new() } else { endpoints::gather(self.port, self.local) }
    }

    /// Returns the region of the relay that this machine is connected to.
    pub(crate) fn home(&self) -> Option<Region> {
        *self.home.borrow()
    }

    /// Waits until the home relay differs from `announced`.
    pub(crate) async fn home_changed(&self, announced: Option<Region>) {
        if self.home.clone().wait_for(|home| *home != announced).await.is_err() {
            // The task and the runtime have ended.
            std::future::pending::<()>().await;
        }
    }

    /// Returns the peers, sorted by name.
    pub(crate) async fn peers(&self) -> Vec<PeerStatus> {
        let (reply, answer) = oneshot::channel();
        let _ = self.commands.send(Command::Peers(reply)).await;
        let mut peers = answer.await.unwrap_or_default();
        peers.sort_by(|a, b| a.name.cmp(&b.name));
        peers
    }

    /// Pings the machine with this name or tailnet address.
    ///
    /// # Errors
    /// [`PingError`], at the latest after `limit`.
    pub(crate) async fn ping(&self, named: String, limit: Duration) -> Result<PingReply, PingError> {
        let (reply, answer) = oneshot::channel();
        let ping = async {
            self.commands
                .send(Command::Ping { named: named.clone(), reply })
                .await
                .map_err(|_| PingError::Busy)?;
            answer.await.unwrap_or(Err(PingError::Busy))
        };
        match tokio::time::timeout(limit, ping).await {
            Ok(answer) => answer,
            Err(_) => Err(PingError::Timeout { named: named.clone(), limit }),
        }
    }

    /// Connects to a TCP port of the machine with this name or tailnet address.
    ///
    /// # Errors
    /// [`DialError`], at the latest after `limit`.
    pub(crate) async fn dial(&self, named: String, port: u16, limit: Duration) -> DialResult {
        let (reply, answer) = oneshot::channel();
        let dial = async {
            let command = Command::Dial { named: named.clone(), port, reply };
            self.commands.send(command).await.map_err(|_| DialError::Busy)?;
            answer.await.unwrap_or(Err(DialError::Busy))
        };
        match tokio::time::timeout(limit, dial).await {
            Ok(answer) => answer,
            Err(_) => Err(DialError::Timeout { named: named.clone(), port, limit }),
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.follower.abort();
    }
}
