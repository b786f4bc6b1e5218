//! A machine of the kit's own: a key, a UDP socket, a place on the control plane.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use boringtun::x25519::PublicKey;
use serde_json::json;
use tokio::net::UdpSocket;
use tokio::time::sleep;

use crate::step::error::StepError;
use harness_model::check::evidence::WireResult;

use super::control::{ControlPlane, Known};
use super::diary::Diary;
use super::key::NodeKey;
use super::meeting::{Meeting, Plan};
use super::session::Session;

/// How often the network map is asked for a machine that it does not name yet.
const PAUSE: Duration = Duration::from_millis(100);

/// A WireGuard peer while its sub-test runs.
#[derive(Debug)]
pub struct Peer {
    name: String,
    host_name: String,
    socket: UdpSocket,
    endpoint: SocketAddr,
    /// The last one counts; the one before is what it had before it joined anew.
    registrations: Vec<Registration>,
    /// Machines as the network map told them last: those that it tells no more are still to be tried.
    known: BTreeMap<String, Known>,
}

/// What it got when it joined.
struct Registration {
    key: NodeKey,
    token: String,
    address: Ipv4Addr,
}

impl Peer {
    /// One that nobody knows yet; `endpoint` is where others find the socket.
    pub fn new(name: &str, host_name: String, socket: UdpSocket, endpoint: SocketAddr) -> Self {
        let (registrations, known) = (Vec::new(), BTreeMap::new());
        Self { name: name.to_owned(), host_name, socket, endpoint, registrations, known }
    }

    /// Its name in the scenario.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name on the target.
    pub fn host_name(&self) -> &str {
        &self.host_name
    }

    /// Where it can be reached.
    pub fn endpoint(&self) -> SocketAddr {
        self.endpoint
    }

    /// Its present public key in base64; none before it joined.
    pub fn public_key(&self) -> Option<String> {
        self.registrations.last().map(|registration| registration.key.public())
    }

    /// Registers with a new key, says where it is, and learns its address.
    pub(super) async fn join(
        &mut self,
        control: &ControlPlane,
        auth_key: &str,
    ) -> Result<Ipv4Addr, StepError> {
        let key = NodeKey::from_random(rand::random());
        let token = control.register(auth_key, &self.host_name, &key.public()).await?;
        control.publish(&token, self.endpoint).await?;
        let map = control.network_map(&token).await?;
        let map =
            map.map_err(|status| control.unlike(&format!("it answered {status}"), "/api/network-map"))?;
        let address = map.own.ok_or_else(|| {
            control.unlike("its answer has no IPv4 address at `/data/self/tailnet_ip`", "/api/network-map")
        })?;
        self.registrations.push(Registration { key, token, address });
        Ok(address)
    }

    /// Shakes hands with a machine and pings it, as planned.
    pub(super) async fn meet(&mut self, control: &ControlPlane, plan: Plan) -> Result<WireResult, StepError> {
        let mut diary = Diary::begin();
        let known = self.look_up(control, &plan, &mut diary).await?;
        let registration = self.registration(plan.with_old_key)?;
        let Some(known) = known else {
            let reason = format!("the network map does not tell how to reach {}", plan.machine);
            return Ok(WireResult {
                command: self.command(&plan),
                json: json!({ "handshake": false, "pong": false }),
                took: diary.begun().elapsed(),
                seen: diary.close(&reason),
                untried: Some(reason),
                ..Default::default()
            });
        };
        let theirs = plan.their_key.or_else(|| NodeKey::read_public(&known.public_key));
        let theirs: PublicKey = theirs
            .ok_or_else(|| control.unlike("a machine's key is no WireGuard key", "/api/network-map"))?;
        let source = plan.source.unwrap_or(registration.address);
        let session = Session::new(&registration.key, theirs, plan.initiator, source, known.address);
        let command = self.command(&plan);
        Ok(Meeting::new(&self.socket, session, &known, source, diary, plan).hold(command).await)
    }

    /// What is known of the machine: what the network map tells, waited for as long as the plan allows if it never
    /// told anything.
    async fn look_up(
        &mut self,
        control: &ControlPlane,
        plan: &Plan,
        diary: &mut Diary,
    ) -> Result<Option<Known>, StepError> {
        let token = self.registration(false)?.token.clone();
        let deadline = Instant::now() + plan.limit;
        loop {
            match control.network_map(&token).await? {
                Ok(map) => {
                    if let Some(told) = map.machine(&plan.machine) {
                        self.known.insert(plan.machine.clone(), told);
                    } else if self.known.contains_key(&plan.machine) {
                        diary.note("the network map does not tell of it any more: tried as it was known");
                    }
                }
                Err(status) => diary.note(format!("the network map is refused with {status}")),
            }
            let known = self.known.get(&plan.machine);
            if known.is_some() || Instant::now() >= deadline {
                return Ok(known.cloned());
            }
            sleep(PAUSE).await;
        }
    }

    fn registration(&self, old: bool) -> Result<&Registration, StepError> {
        let place = self.registrations.len().checked_sub(if old { 2 } else { 1 });
        place.and_then(|place| self.registrations.get(place)).ok_or_else(|| {
            let what = if old { "it has no old key: it joined once" } else { "it has not joined" };
            StepError::Request(format!("{}: {what}; give it a step `wire = \"join\"` before", self.name))
        })
    }

    fn command(&self, plan: &Plan) -> String {
        format!("{}: {} {}", self.name, plan.verb(), plan.shown)
    }
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Registration").field("address", &self.address).finish_non_exhaustive()
    }
}
