//! Exchanges datagrams with one machine: a handshake, then pings until one is answered or the time limit is reached.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use boringtun::x25519::PublicKey;
use serde_json::json;
use tokio::net::UdpSocket;
use tokio::time::{sleep_until, timeout_at};

use harness_model::check::evidence::WireResult;
use harness_model::scenario::model::Initiator;

use super::control::KnownMachine;
use super::patience::Patience;
use super::session::{Received, Session};
use super::transcript::Transcript;

/// A machine may learn of the peer a moment after the peer has learnt of the machine.
const INITIATION_INTERVAL: Duration = Duration::from_millis(300);
const PING_INTERVAL: Duration = Duration::from_millis(200);
/// How many initiations or pings at least a silent machine is sent.
const MIN_ATTEMPTS: u32 = 3;

/// What to attempt, with all templates filled in.
#[derive(Debug)]
pub(super) struct AttemptPlan {
    /// The machine's name in the scenario.
    pub(super) shown: String,
    /// Its name on the target.
    pub(super) machine: String,
    /// Which side initiates the handshake.
    pub(super) initiator: Initiator,
    /// Whether the peer uses the key that it had before it last joined.
    pub(super) with_old_key: bool,
    /// The machine's public key to use instead of the network map's.
    pub(super) their_key: Option<PublicKey>,
    /// The inner source address of pings, instead of the peer's own.
    pub(super) source: Option<Ipv4Addr>,
    pub(super) patience: Patience,
}

pub(super) struct Attempt<'a> {
    socket: &'a UdpSocket,
    session: Session,
    known: &'a KnownMachine,
    source: Ipv4Addr,
    transcript: Transcript,
    plan: AttemptPlan,
    /// Where the machine's last authenticated datagram came from.
    endpoint: Option<SocketAddr>,
    handshake: Option<Duration>,
    pong: Option<Duration>,
    pinged: Vec<Instant>,
    refused: usize,
    strays: usize,
    has_ignored_initiation: bool,
}

impl AttemptPlan {
    /// Returns the scenario's word for the attempt.
    pub(super) fn verb(&self) -> &'static str {
        match self.initiator {
            Initiator::Peer => "ping",
            Initiator::Agent => "await",
        }
    }
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
        socket: &'a UdpSocket,
        session: Session,
        known: &'a KnownMachine,
        source: Ipv4Addr,
        transcript: Transcript,
        plan: AttemptPlan,
    ) -> Self {
        Self {
            socket,
            session,
            known,
            source,
            transcript,
            plan,
            endpoint: None,
            handshake: None,
            pong: None,
            pinged: Vec::new(),
            refused: 0,
            strays: 0,
            has_ignored_initiation: false,
        }
    }

    /// Runs until a ping is answered or the time limit is reached.
    pub(super) async fn run(mut self, command: String) -> WireResult {
        if self.plan.initiator == Initiator::Peer {
            self.discard_earlier_datagrams();
        }
        let Patience { limit, after_handshake } = self.plan.patience;
        let mut deadline = tokio::time::Instant::now() + limit;
        let mut buffer = vec![0; 1 << 16];
        let mut due = tokio::time::Instant::now();
        while self.pong.is_none() {
            tokio::select! {
                received = timeout_at(deadline, self.socket.recv_from(&mut buffer)) => match received {
                    Err(_) => {
                        self.transcript.add("stopped waiting for an answer");
                        break;
                    }
                    Ok(Ok((length, from))) => {
                        let was_open = self.session.is_open();
                        self.on_datagram(from, buffer.get(..length).unwrap_or_default()).await;
                        if self.session.is_open() && !was_open {
                            due = tokio::time::Instant::now(); // send the first ping at once
                            deadline = after_handshake.map_or(deadline, |silence| due + silence);
                        }
                    }
                    Ok(Err(error)) => {
                        self.transcript.add(format!("receiving failed: {error}"));
                    }
                },
                () = sleep_until(due) => {
                    due = tokio::time::Instant::now() + self.send_due().await;
                }
            }
        }
        self.finish(command)
    }

    /// Discards datagrams that arrived before this attempt: they do not answer it.
    fn discard_earlier_datagrams(&mut self) {
        let mut buffer = [0; 1];
        let mut dropped = 0;
        while self.socket.try_recv_from(&mut buffer).is_ok() {
            dropped += 1;
        }
        if dropped > 0 {
            self.transcript.add(format!("discarded {dropped} earlier datagrams"));
        }
    }

    /// Sends an initiation or a ping. Returns the time until the next one.
    async fn send_due(&mut self) -> Duration {
        if !self.session.is_open() {
            if self.plan.initiator == Initiator::Peer
                && let Some(initiation) = self.session.initiate()
            {
                self.send_to_all_endpoints(&initiation).await;
            }
            return INITIATION_INTERVAL.min(self.plan.patience.limit / MIN_ATTEMPTS);
        }
        let sequence = u16::try_from(self.pinged.len() + 1).unwrap_or(u16::MAX);
        if let (Some(ping), Some(endpoint)) = (self.session.ping(sequence), self.endpoint) {
            self.pinged.push(Instant::now());
            self.send(&ping, endpoint).await;
            let (source, target) = (self.source, self.known.address);
            self.transcript.add(format!("sent ping {sequence}, {source} to {target}, to {endpoint}"));
        }
        let silence = self.plan.patience.after_handshake.unwrap_or(self.plan.patience.limit);
        PING_INTERVAL.min(silence / MIN_ATTEMPTS)
    }

    async fn on_datagram(&mut self, from: SocketAddr, datagram: &[u8]) {
        let (received, reply) = self.session.on_datagram(from.ip(), datagram);
        let length = datagram.len();
        match received {
            Received::HandshakePart => {
                self.transcript.add(format!("received an initiation from {from}: replied"));
            }
            Received::Handshake => {
                self.handshake = Some(self.transcript.begun().elapsed());
                self.transcript.add(format!("received the last handshake message from {from}"));
            }
            Received::Pong { from: inner, to, sequence } if inner == self.known.address => {
                let sent = usize::from(sequence).checked_sub(1).and_then(|at| self.pinged.get(at));
                self.pong = sent.map(Instant::elapsed);
                self.transcript
                    .add(format!("received the reply to ping {sequence}, {inner} to {to}, from {from}"));
            }
            Received::Pong { from: inner, sequence, .. } => {
                self.strays += 1;
                let own = self.known.address;
                self.transcript
                    .add(format!("received a reply to ping {sequence} from {inner}, not {own}: ignored"));
            }
            Received::Other(what) => self.transcript.add(format!("received {what} from {from}")),
            Received::IgnoredInitiation => {
                if !std::mem::replace(&mut self.has_ignored_initiation, true) {
                    self.transcript.add(format!(
                        "received an initiation from {from}: ignored like further ones, as the peer initiates"
                    ));
                }
                return; // every machine of the organisation initiates handshakes with the peer
            }
            Received::Rejected(error) => {
                self.refused += 1;
                self.transcript.add(format!("received {length} bytes from {from}, rejected: {error}"));
                return; // the sender does not hold the machine's key
            }
        }
        self.endpoint = Some(from);
        if let Some(reply) = reply {
            self.send(&reply, from).await;
        }
    }

    /// Sends the initiation to every endpoint: the machine replies to the first that arrives.
    async fn send_to_all_endpoints(&mut self, datagram: &[u8]) {
        let endpoints: Vec<String> = self.known.endpoints.iter().map(SocketAddr::to_string).collect();
        for endpoint in &self.known.endpoints {
            self.send(datagram, *endpoint).await;
        }
        self.transcript.add(format!("sent an initiation to {}", endpoints.join(" and ")));
    }

    /// Sends a datagram. An error is ignored, as the datagram might as well have been lost.
    async fn send(&self, datagram: &[u8], endpoint: SocketAddr) {
        let _ = self.socket.send_to(datagram, endpoint).await;
    }

    fn finish(self, command: String) -> WireResult {
        let took = self.transcript.begun().elapsed();
        let initiator = match self.plan.initiator {
            Initiator::Peer => "peer",
            Initiator::Agent => "agent",
        };
        let milliseconds = |duration: Option<Duration>| {
            duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
        };
        let json = json!({
            "machine": self.plan.machine,
            "tailnet_ip": self.known.address.to_string(),
            "public_key": self.known.public_key,
            "endpoint": self.endpoint.map(|endpoint| endpoint.to_string()),
            "handshake": self.handshake.is_some(),
            "initiator": self.handshake.map(|_| initiator),
            "handshake_ms": milliseconds(self.handshake),
            "pong": self.pong.is_some(),
            "pong_ms": milliseconds(self.pong),
            "refused": self.refused,
            "strays": self.strays,
        });
        let shown =
            |done: Option<Duration>| done.map_or("none".to_owned(), |after| format!("after {after:.1?}"));
        let summary = format!(
            "handshake: {}; reply to {} pings: {}; {} datagrams rejected, {} replies from other inner addresses",
            shown(self.handshake),
            self.pinged.len(),
            shown(self.pong),
            self.refused,
            self.strays
        );
        WireResult {
            command,
            handshake: self.handshake,
            pong: self.pong,
            not_attempted: None,
            json,
            seen: self.transcript.finish(summary),
            took,
        }
    }
}
