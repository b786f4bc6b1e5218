//! Datagrams to and from one machine: handshake, then pings until one is answered or the time is over.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use boringtun::x25519::PublicKey;
use serde_json::json;
use tokio::net::UdpSocket;
use tokio::time::{sleep_until, timeout_at};

use harness_model::check::evidence::WireResult;
use harness_model::scenario::model::Initiator;

use super::control::Known;
use super::diary::Diary;
use super::session::{Heard, Session};

/// A machine may learn of the peer a moment after the peer has learnt of it.
const GREET_AGAIN: Duration = Duration::from_millis(300);
const PING_AGAIN: Duration = Duration::from_millis(200);

/// What is to be done, with everything filled in.
#[derive(Debug)]
pub(super) struct Plan {
    /// The machine's name in the scenario.
    pub(super) shown: String,
    /// Its name on the target.
    pub(super) machine: String,
    /// Who begins the handshake.
    pub(super) initiator: Initiator,
    /// Whether the peer shows the key that it had before it joined anew.
    pub(super) with_old_key: bool,
    /// The key that it believes to be the machine's, in place of the network map's.
    pub(super) their_key: Option<PublicKey>,
    /// The inner address that its ping comes from, in place of its own.
    pub(super) source: Option<Ipv4Addr>,
    /// How long it tries.
    pub(super) limit: Duration,
}

/// A meeting that goes on.
pub(super) struct Meeting<'a> {
    socket: &'a UdpSocket,
    session: Session,
    known: &'a Known,
    source: Ipv4Addr,
    diary: Diary,
    plan: Plan,
    /// Where the machine was heard.
    place: Option<SocketAddr>,
    handshake: Option<Duration>,
    pong: Option<Duration>,
    pinged: Vec<Instant>,
    refused: usize,
    strays: usize,
}

impl Plan {
    /// The word of the scenario.
    pub(super) fn verb(&self) -> &'static str {
        match self.initiator {
            Initiator::Peer => "ping",
            Initiator::Agent => "await",
        }
    }
}

impl<'a> Meeting<'a> {
    pub(super) fn new(
        socket: &'a UdpSocket,
        session: Session,
        known: &'a Known,
        source: Ipv4Addr,
        diary: Diary,
        plan: Plan,
    ) -> Self {
        Self {
            socket,
            session,
            known,
            source,
            diary,
            plan,
            place: None,
            handshake: None,
            pong: None,
            pinged: Vec::new(),
            refused: 0,
            strays: 0,
        }
    }

    /// Goes on until the ping is answered or the time is over.
    pub(super) async fn hold(mut self, command: String) -> WireResult {
        if self.plan.initiator == Initiator::Peer {
            self.forget_what_came_before();
        }
        let deadline = tokio::time::Instant::now() + self.plan.limit;
        let mut buffer = vec![0; 1 << 16];
        let mut due = tokio::time::Instant::now();
        while self.pong.is_none() {
            tokio::select! {
                received = timeout_at(deadline, self.socket.recv_from(&mut buffer)) => match received {
                    Err(_) => break,
                    Ok(Ok((length, from))) => {
                        let was_open = self.session.is_open();
                        self.hear(from, buffer.get(..length).unwrap_or_default()).await;
                        if self.session.is_open() && !was_open {
                            due = tokio::time::Instant::now(); // the first ping at once
                        }
                    }
                    Ok(Err(error)) => {
                        self.diary.note(format!("receiving failed: {error}"));
                    }
                },
                () = sleep_until(due) => {
                    due = tokio::time::Instant::now() + self.say().await;
                }
            }
        }
        self.end(command)
    }

    /// What was sent to the peer while it did something else is not the answer to what it does now.
    fn forget_what_came_before(&mut self) {
        let mut buffer = [0; 1];
        let mut dropped = 0;
        while self.socket.try_recv_from(&mut buffer).is_ok() {
            dropped += 1;
        }
        if dropped > 0 {
            self.diary.note(format!("{dropped} datagrams from before are left unread"));
        }
    }

    /// Sends what is due; when to do so again.
    async fn say(&mut self) -> Duration {
        if !self.session.is_open() {
            if self.plan.initiator == Initiator::Peer
                && let Some(initiation) = self.session.greet()
            {
                self.everywhere(&initiation).await;
            }
            return GREET_AGAIN;
        }
        let sequence = u16::try_from(self.pinged.len() + 1).unwrap_or(u16::MAX);
        if let (Some(ping), Some(place)) = (self.session.ping(sequence), self.place) {
            self.pinged.push(Instant::now());
            self.send(&ping, place).await;
            let (source, target) = (self.source, self.known.address);
            self.diary.note(format!("sent ping {sequence}, {source} to {target}, to {place}"));
        }
        PING_AGAIN
    }

    async fn hear(&mut self, from: SocketAddr, datagram: &[u8]) {
        let (heard, answer) = self.session.hear(from.ip(), datagram);
        let length = datagram.len();
        match heard {
            Heard::Greeting => self.diary.note(format!("heard an initiation from {from}: answered it")),
            Heard::Handshake => {
                self.handshake = Some(self.diary.begun().elapsed());
                self.diary.note(format!("heard from {from} what completes the handshake"));
            }
            Heard::Pong { from: inner, to, sequence } if inner == self.known.address => {
                let sent = usize::from(sequence).checked_sub(1).and_then(|at| self.pinged.get(at));
                self.pong = sent.map(Instant::elapsed);
                self.diary.note(format!("heard the answer to ping {sequence}, {inner} to {to}, from {from}"));
            }
            Heard::Pong { from: inner, sequence, .. } => {
                self.strays += 1;
                let own = self.known.address;
                self.diary.note(format!(
                    "heard an answer to ping {sequence} from {inner}, which is not {own}: does not count"
                ));
            }
            Heard::Other(what) => self.diary.note(format!("heard {what} from {from}")),
            Heard::Unasked => {
                self.diary.note(format!("heard an initiation from {from}: not answered, the peer begins"));
            }
            Heard::Refused(error) => {
                self.refused += 1;
                self.diary.note(format!("heard {length} bytes from {from}, refused: {error}"));
                return; // whoever sent it, it was not the machine with that key
            }
        }
        self.place = Some(from);
        if let Some(answer) = answer {
            self.send(&answer, from).await;
        }
    }

    /// The machine answers the first that arrives.
    async fn everywhere(&mut self, datagram: &[u8]) {
        let places: Vec<String> = self.known.endpoints.iter().map(SocketAddr::to_string).collect();
        for place in &self.known.endpoints {
            self.send(datagram, *place).await;
        }
        self.diary.note(format!("sent an initiation to {}", places.join(" and ")));
    }

    /// What cannot be sent is lost like any other datagram: silence says as much.
    async fn send(&self, datagram: &[u8], place: SocketAddr) {
        let _ = self.socket.send_to(datagram, place).await;
    }

    fn end(self, command: String) -> WireResult {
        let took = self.diary.begun().elapsed();
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
            "endpoint": self.place.map(|place| place.to_string()),
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
        let sum = format!(
            "handshake: {}; answer to {} pings: {}; {} datagrams refused, {} answers from other inner addresses",
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
            untried: None,
            json,
            seen: self.diary.close(sum),
            took,
        }
    }
}
