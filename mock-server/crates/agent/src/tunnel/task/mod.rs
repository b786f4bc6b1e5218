//! The task that connects the core to the UDP socket, the relays, the backend and the clock.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Sleep;

use super::command::Command;
use super::core::{Core, Event, Place};
use super::end::End;
use super::map::{Changes, Machine, NetworkMap};
use super::relay::Relays;
use super::socket::Socket;
use super::status::{PeerStatus, PingFailure, Pinged};
use super::tun::DeviceError;
use super::userspace::Pong;

/// Number of relayed datagrams that are processed before anything else gets its turn.
const MAX_RELAYED_PER_TURN: usize = 64;

/// Sleep time without timers.
const IDLE_SLEEP: Duration = Duration::from_secs(3600);

/// The state of the task.
pub(super) struct Task {
    socket: Socket,
    relays: Relays,
    core: Core,
    end: End,
    map: NetworkMap,
    own: (String, Ipv4Addr),
    first_map: watch::Sender<bool>,
    pings: HashMap<u16, Ping>,
    /// Datagrams are waiting for the socket, so no packets are taken from the backend.
    congested: bool,
}

#[derive(Debug)]
struct Ping {
    name: String,
    reply: oneshot::Sender<Result<Pinged, PingFailure>>,
}

impl Task {
    /// Creates a tunnel without peers; `own` are this machine's name and tailnet address.
    pub(super) fn new(
        (socket, relays): (Socket, Relays),
        core: Core,
        end: End,
        own: (String, Ipv4Addr),
        first_map: watch::Sender<bool>,
    ) -> Self {
        let (map, pings) = (NetworkMap::default(), HashMap::new());
        Self { socket, relays, core, end, map, own, first_map, pings, congested: false }
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
                ready = self.end.readable(), if !self.congested => ready?,
                ready = self.socket.writable(), if self.congested => self.receive(ready),
                (from, datagram) = self.relays.received() => self.receive_relayed(from, &datagram),
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

    fn receive_relayed(&mut self, from: Place, datagram: &[u8]) {
        let now = Instant::now();
        self.core.receive(from, datagram, now);
        for _ in 0..MAX_RELAYED_PER_TURN {
            let Some((from, datagram)) = self.relays.try_received() else { break };
            self.core.receive(from, &datagram, now);
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
                if let Err((reply, failure)) = self.ping(&named, reply) {
                    let _ = reply.send(Err(failure));
                }
            }
            Command::Dial { named, port, reply } => match self.reachable(&named) {
                Ok((name, ip)) => {
                    self.end.dial(name, SocketAddrV4::new(ip, port), reply);
                }
                Err(failure) => drop(reply.send(Err(failure.into()))),
            },
        }
    }

    fn configure(&mut self, changes: Changes) {
        let now = Instant::now();
        changes.removed.iter().for_each(|key| self.core.remove_peer(key));
        changes.set.into_iter().for_each(|(key, settings)| self.core.set_peer(key, settings, now));
    }

    fn peers(&mut self) -> Vec<PeerStatus> {
        let core = &mut self.core;
        let peer = |machine: &Machine| {
            let state = core.peer_state(machine.settings.address);
            PeerStatus {
                name: machine.name.clone(),
                ip: machine.settings.address,
                endpoint: state.and_then(|state| state.place?.direct()),
                relay: state.and_then(|state| state.place?.region()),
                last_handshake_seconds: state
                    .and_then(|state| state.last_handshake)
                    .map(|at| at.elapsed().as_secs()),
                online: machine.settings.online,
            }
        };
        self.map.machines().map(peer).collect()
    }

    fn ping(
        &mut self,
        named: &str,
        reply: oneshot::Sender<Result<Pinged, PingFailure>>,
    ) -> Result<(), (oneshot::Sender<Result<Pinged, PingFailure>>, PingFailure)> {
        let (name, ip) = match self.reachable(named) {
            Ok(machine) => machine,
            Err(failure) => return Err((reply, failure)),
        };
        match self.end.ping(ip, Instant::now()) {
            Some(number) => {
                self.pings.insert(number, Ping { name, reply });
                Ok(())
            }
            None => Err((reply, PingFailure::Busy)),
        }
    }

    /// Returns name and address of the named machine, if there is a path to it.
    fn reachable(&mut self, named: &str) -> Result<(String, Ipv4Addr), PingFailure> {
        let (name, address) = &self.own;
        if named == name || named.parse() == Ok(*address) {
            return Err(PingFailure::Itself(named.to_owned()));
        }
        let machine = self.map.find(named).ok_or_else(|| PingFailure::UnknownMachine(named.to_owned()))?;
        let (name, ip) = (machine.name.clone(), machine.settings.address);
        if self.core.peer_state(ip).is_some_and(|state| state.reachable) {
            Ok((name, ip))
        } else {
            Err(PingFailure::Unreachable { name, ip })
        }
    }

    /// Moves all packets and datagrams on. Returns when to do so again at the latest.
    fn process(&mut self) -> Result<Instant, DeviceError> {
        let now = Instant::now();
        self.core.tick(now);
        for pong in self.end.exchange(&mut self.core, self.congested, now)? {
            self.on_pong(pong);
        }
        self.congested = !self.send();
        while let Some(event) = self.core.poll_event() {
            log(event);
        }
        let deadlines = [self.core.deadline(), self.end.deadline(now)];
        Ok(deadlines.into_iter().flatten().min().unwrap_or(now + IDLE_SLEEP))
    }

    /// Sends all batches. Returns false if some must wait for the socket.
    fn send(&mut self) -> bool {
        while let Some(mut batch) = self.core.poll_batch() {
            match batch.to() {
                Place::Direct(to) if self.socket.send(to, &mut batch).is_err() => {
                    self.core.postpone(batch);
                    return false;
                }
                Place::Direct(_) => {}
                Place::Relayed { region, peer } => {
                    batch.datagrams().for_each(|datagram| self.relays.send(region, peer, datagram));
                }
            }
            self.core.recycle(batch);
        }
        true
    }

    fn on_pong(&mut self, pong: Pong) {
        if let Some(ping) = self.pings.remove(&pong.number) {
            let place = self.core.peer_state(pong.from).and_then(|state| state.place);
            let (endpoint, relay) = (place.and_then(Place::direct), place.and_then(Place::region));
            let microseconds = u64::try_from(pong.elapsed.as_micros()).unwrap_or(u64::MAX);
            let _ =
                ping.reply.send(Ok(Pinged { name: ping.name, ip: pong.from, endpoint, relay, microseconds }));
        }
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
