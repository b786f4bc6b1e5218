//! The task that connects the core to the UDP socket, the relays, the backend and the clock.

mod peers;
mod ping;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddrV4;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Sleep;

use super::backend::Backend;
use super::command::Command;
use super::config::LocalMachine;
use super::core::{Core, Event, PeerPath};
use super::forwarding::DialError;
use super::map::{MapChanges, NetworkMap};
use super::relay::{RelayedDatagram, Relays};
use super::socket::Socket;
use super::status::{PingError, PingReply};
use super::tun::DeviceError;
use ping::{Reachable, SentPing};

/// Number of relayed datagrams that are processed before anything else gets its turn.
const MAX_RELAYED_PER_TURN: usize = 64;

/// Sleep time without timers.
const IDLE_SLEEP: Duration = Duration::from_secs(3600);

/// The state of the task.
pub(super) struct Task {
    socket: Socket,
    relays: Relays,
    core: Core,
    backend: Backend,
    map: NetworkMap,
    machine: LocalMachine,
    first_map: watch::Sender<bool>,
    pings: HashMap<u16, PendingPing>,
    /// Datagrams are waiting for the socket, so no packets are taken from the backend.
    congested: bool,
}

/// A ping that was not answered yet.
#[derive(Debug)]
struct PendingPing {
    name: String,
    reply: oneshot::Sender<Result<PingReply, PingError>>,
}

impl Task {
    /// Creates a tunnel without peers.
    pub(super) fn new(
        socket: Socket,
        relays: Relays,
        core: Core,
        backend: Backend,
        machine: LocalMachine,
        first_map: watch::Sender<bool>,
    ) -> Self {
        let (map, pings) = (NetworkMap::new(machine.address), HashMap::new());
        Self { socket, relays, core, backend, map, machine, first_map, pings, congested: false }
    }

    /// Runs until the command channel is closed.
    ///
    /// # Errors
    /// [`DeviceError::Gone`] if the TUN device was deleted.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> Result<(), DeviceError> {
        let mut sleep = pin!(tokio::time::sleep(IDLE_SLEEP));
        loop {
            wake_at(sleep.as_mut(), self.process()?);
            tokio::select! {
                ready = self.socket.readable() => self.receive(ready),
                ready = self.backend.readable(), if !self.congested => ready?,
                ready = self.socket.writable(), if self.congested => self.receive(ready),
                datagram = self.relays.received() => self.receive_relayed(&datagram),
                command = commands.recv() => match command {
                    Some(command) => self.execute(command),
                    None => return Ok(()),
                },
                () = &mut sleep => {}
            }
        }
    }

    fn receive(&mut self, ready: io::Result<()>) {
        let Self { socket, core, .. } = self;
        let now = Instant::now();
        let received =
            ready.and_then(|()| socket.receive(|from, datagram| core.receive(from.into(), datagram, now)));
        match received {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                // An earlier datagram was rejected, which the peer's silence shows as well.
                tracing::debug!(%error, "receiving failed");
            }
            _ => {}
        }
    }

    fn receive_relayed(&mut self, first: &RelayedDatagram) {
        let now = Instant::now();
        self.core.receive(first.from, &first.bytes, now);
        for _ in 0..MAX_RELAYED_PER_TURN {
            let Some(RelayedDatagram { from, bytes }) = self.relays.try_received() else { break };
            self.core.receive(from, &bytes, now);
        }
    }

    fn execute(&mut self, command: Command) {
        match command {
            Command::Apply(mut answer) => {
                self.relays.set_relays(std::mem::take(&mut answer.relays));
                let changes = self.map.apply(answer);
                self.configure(changes);
                self.first_map.send_replace(true);
            }
            Command::Clear => {
                let changes = self.map.clear();
                self.configure(changes);
            }
            Command::Peers(reply) => {
                let _ = reply.send(self.peers());
            }
            Command::Ping { named, reply } => {
                self.pings.retain(|_, ping| !ping.reply.is_closed());
                match self.send_ping(&named) {
                    Ok(SentPing { number, name }) => {
                        self.pings.insert(number, PendingPing { name, reply });
                    }
                    Err(failure) => drop(reply.send(Err(failure))),
                }
            }
            Command::Dial { named, port, reply } => match self.reachable(&named) {
                Ok(Reachable { name, address, grants }) if !grants.allow_tcp(port) => {
                    drop(reply.send(Err(DialError::Denied { name, ip: address, port })));
                }
                Ok(Reachable { name, address, .. }) => {
                    self.backend.dial(name, SocketAddrV4::new(address, port), reply);
                }
                Err(failure) => drop(reply.send(Err(failure.into()))),
            },
        }
    }

    fn configure(&mut self, changes: MapChanges) {
        let now = Instant::now();
        changes.removed.iter().for_each(|key| self.core.remove_peer(key));
        changes.set.into_iter().for_each(|(key, settings)| self.core.set_peer(key, settings, now));
    }

    /// Moves all packets and datagrams on. Returns when to do so again at the latest.
    fn process(&mut self) -> Result<Instant, DeviceError> {
        let now = Instant::now();
        self.core.tick(now);
        for pong in self.backend.exchange(&mut self.core, self.congested, now)? {
            self.on_pong(pong);
        }
        self.congested = !self.send();
        while let Some(event) = self.core.poll_event() {
            log(event);
        }
        let deadlines = [self.core.deadline(), self.backend.deadline(now)];
        Ok(deadlines.into_iter().flatten().min().unwrap_or(now + IDLE_SLEEP))
    }

    /// Sends all batches. Returns false if some must wait for the socket.
    fn send(&mut self) -> bool {
        while let Some(mut batch) = self.core.poll_batch() {
            match batch.to() {
                PeerPath::Direct(to) if self.socket.send(to, &mut batch).is_err() => {
                    self.core.postpone(batch);
                    return false;
                }
                PeerPath::Direct(_) => {}
                PeerPath::Relayed { region, peer } => {
                    batch.datagrams().for_each(|datagram| self.relays.send(region, peer, datagram));
                }
            }
            self.core.recycle(batch);
        }
        true
    }
}

/// Resets the timer only if the deadline has changed, which is cheaper.
fn wake_at(sleep: std::pin::Pin<&mut Sleep>, deadline: Instant) {
    if sleep.deadline() != deadline.into() {
        sleep.reset(deadline.into());
    }
}

fn log(event: Event) {
    match event {
        Event::Handshake { peer } => {
            tracing::debug!(peer = hex::encode(peer), "handshake");
        }
        Event::Roamed { peer, to } => {
            tracing::debug!(peer = hex::encode(peer), %to, "path changed");
        }
        Event::Expired { peer } => {
            tracing::info!(peer = hex::encode(peer), "peer unreachable; retrying later");
        }
        Event::Dropped(reason) => {
            tracing::trace!(?reason, "dropped");
        }
    }
}
