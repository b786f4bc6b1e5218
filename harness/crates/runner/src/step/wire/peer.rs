//! The kit's own WireGuard peer: a key, a UDP socket and its registrations on the control plane.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use boringtun::x25519::PublicKey;
use serde_json::json;
use tokio::net::UdpSocket;
use tokio::time::sleep;

use crate::step::error::StepError;
use harness_model::check::evidence::WireResult;

use super::attempt::{Attempt, AttemptPlan};
use super::control::{ControlPlane, KnownMachine, NetworkMapResponse};
use super::key::NodeKey;
use super::session::Session;
use super::transcript::Transcript;

/// The pause between requests for the network map while it lacks a machine.
const MAP_POLL_INTERVAL: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub struct Peer {
    name: String,
    host_name: String,
    socket: UdpSocket,
    endpoint: SocketAddr,
    /// The last one is current; the one before supplies the old key.
    registrations: Vec<Registration>,
    /// Machines as the network map showed them last. Those that it no longer shows can still be tried.
    known: BTreeMap<String, KnownMachine>,
    /// The longest that a ping took to be answered.
    slowest_reply: Duration,
}

struct Registration {
    key: NodeKey,
    token: String,
    address: Ipv4Addr,
}

impl Peer {
    /// Creates a peer that has not joined; `endpoint` is where machines reach the socket.
    pub fn new(name: &str, host_name: String, socket: UdpSocket, endpoint: SocketAddr) -> Self {
        let (registrations, known) = (Vec::new(), BTreeMap::new());
        let slowest_reply = Duration::ZERO;
        Self { name: name.to_owned(), host_name, socket, endpoint, registrations, known, slowest_reply }
    }

    /// Its name in the scenario.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name on the target.
    pub fn host_name(&self) -> &str {
        &self.host_name
    }

    pub fn endpoint(&self) -> SocketAddr {
        self.endpoint
    }

    /// Returns the current public key in base64; `None` before the peer has joined.
    pub fn public_key(&self) -> Option<String> {
        self.registrations.last().map(|registration| registration.key.public())
    }

    /// The longest that a ping took to be answered so far.
    pub(super) fn slowest_reply(&self) -> Duration {
        self.slowest_reply
    }

    /// Registers with a new key, publishes the endpoint, and returns the address from the network map.
    pub(super) async fn join(
        &mut self,
        control: &ControlPlane,
        auth_key: &str,
    ) -> Result<Ipv4Addr, StepError> {
        let key = NodeKey::from_random(rand::random());
        let token = control.register(auth_key, &self.host_name, &key.public()).await?;
        control.publish(&token, self.endpoint).await?;
        let map = match control.network_map(&token).await? {
            NetworkMapResponse::Complete(map) => map,
            NetworkMapResponse::Refused(status) => {
                let what = format!("the response was {status}");
                return Err(control.contract_violation(&what, "/api/network-map"));
            }
        };
        let address = map.own.ok_or_else(|| {
            control.contract_violation(
                "the response has no IPv4 address at `/data/self/tailnet_ip`",
                "/api/network-map",
            )
        })?;
        self.registrations.push(Registration { key, token, address });
        Ok(address)
    }

    /// Attempts a handshake and a ping with a machine.
    pub(super) async fn meet(
        &mut self,
        control: &ControlPlane,
        plan: AttemptPlan,
    ) -> Result<WireResult, StepError> {
        let mut transcript = Transcript::begin();
        let known = self.look_up(control, &plan, &mut transcript).await?;
        let registration = self.registration(plan.with_old_key)?;
        let Some(known) = known else {
            let reason = format!("the network map does not show how to reach {}", plan.machine);
            return Ok(WireResult {
                command: self.command(&plan),
                json: json!({ "handshake": false, "pong": false }),
                took: transcript.begun().elapsed(),
                seen: transcript.finish(&reason),
                not_attempted: Some(reason),
                ..Default::default()
            });
        };
        let theirs = plan.their_key.or_else(|| NodeKey::parse_public(&known.public_key));
        let theirs: PublicKey = theirs.ok_or_else(|| {
            control.contract_violation("invalid WireGuard key of a machine", "/api/network-map")
        })?;
        let source = plan.source.unwrap_or(registration.address);
        let session = Session::new(&registration.key, theirs, plan.initiator, source, known.address);
        let command = self.command(&plan);
        let result = Attempt::new(&self.socket, session, &known, source, transcript, plan).run(command).await;
        self.slowest_reply = self.slowest_reply.max(result.pong.unwrap_or_default());
        Ok(result)
    }

    /// Returns the machine as the network map shows it, or showed it last. A machine that the map has never shown is
    /// waited for until the plan's time limit.
    async fn look_up(
        &mut self,
        control: &ControlPlane,
        plan: &AttemptPlan,
        transcript: &mut Transcript,
    ) -> Result<Option<KnownMachine>, StepError> {
        let token = self.registration(false)?.token.clone();
        let deadline = Instant::now() + plan.patience.limit;
        loop {
            match control.network_map(&token).await? {
                NetworkMapResponse::Complete(map) => {
                    if let Some(found) = map.machine(&plan.machine) {
                        self.known.insert(plan.machine.clone(), found);
                    } else if self.known.contains_key(&plan.machine) {
                        transcript
                            .add("the network map no longer shows the machine: using its last known state");
                    }
                }
                NetworkMapResponse::Refused(status) => {
                    transcript.add(format!("the network map was refused with {status}"));
                }
            }
            let known = self.known.get(&plan.machine);
            if known.is_some() || Instant::now() >= deadline {
                return Ok(known.cloned());
            }
            sleep(MAP_POLL_INTERVAL).await;
        }
    }

    fn registration(&self, old: bool) -> Result<&Registration, StepError> {
        let index = self.registrations.len().checked_sub(if old { 2 } else { 1 });
        index.and_then(|index| self.registrations.get(index)).ok_or_else(|| {
            let what = if old { "no old key, as it joined only once" } else { "it has not joined" };
            StepError::Request(format!("{}: {what}\nadd a step `wire = \"join\"` before", self.name))
        })
    }

    fn command(&self, plan: &AttemptPlan) -> String {
        format!("{}: {} {}", self.name, plan.verb(), plan.shown)
    }
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Registration").field("address", &self.address).finish_non_exhaustive()
    }
}
