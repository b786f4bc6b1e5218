//! `GET /api/network-map`: a machine learns who its peers are, and waits for what changes.

use std::time::Duration;

use axum::extract::{self, RawQuery};
use axum::response::Response;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use ztna_protocol::network_map::{PeerView, RelayView};

use super::envelope::{self, Failed, Success};
use super::machine::MachineToken;
use super::{Error, State};
use crate::control::network_map::{LongPoll, NetworkMap};
use crate::domain::network_map::Peer;
use crate::domain::site::Site;
use crate::domain::{Refusal, Timestamp};

/// How long a request waits for a change, in seconds, if it does not say.
const WAIT: u32 = 25;
/// The longest it may say.
const LONGEST_WAIT: u32 = 50;

/// What the machine knows, and how long it waits for more.
#[derive(Debug, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Question {
    /// The version of the map that the machine has; 0, or absent: it has none and is told the whole map.
    #[param(value_type = Option<i64>, minimum = 0, default = 0)]
    pub since: i64,
    /// How many seconds to wait if nothing changed, 25 if absent.
    #[param(value_type = Option<u32>, maximum = 50, default = 25)]
    pub wait: u32,
}

/// The organisation's machines as the asking one sees them, or what changed of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct NetworkMapAnswer {
    /// What to ask the next changes since.
    version: i64,
    /// Whether peers are all there are; then the machine forgets all others. Otherwise it first takes away those that
    /// are removed and then puts in, or replaces by id, the peers.
    full: bool,
    /// The machine that asked.
    #[serde(rename = "self")]
    own: SelfView,
    /// Its peers, or those that are new or have changed.
    peers: Vec<PeerView>,
    /// The ids of machines that are peers no more: deleted, logged out, or put into quarantine.
    removed: Vec<String>,
    /// The relays there are.
    relays: Vec<RelayView>,
}

/// The machine that asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct SelfView {
    id: String,
    name: String,
    /// Its address in 100.64.0.0/10.
    tailnet_ip: String,
    /// online or offline.
    status: &'static str,
}

/// Tells a machine who its peers are; if nothing changed since, holds the request until something does.
#[utoipa::path(
    get,
    path = "/api/network-map",
    params(Question),
    responses(
        (status = 200, description = "What changed; nothing if the time is over", body = Success<NetworkMapAnswer>),
        (status = 400, description = "INVALID_INPUT", body = Failed),
        (status = 401, description = "UNAUTHORIZED: deleted, logged out or replaced", body = Failed),
        (status = 403, description = "QUARANTINED, or FORBIDDEN while it waits for approval", body = Failed),
    ),
    security(("machine_token" = []))
)]
pub async fn network_map(
    extract::State(state): extract::State<State>,
    token: MachineToken,
    RawQuery(text): RawQuery,
) -> Result<Response, Error> {
    let question = Question::parse(text.as_deref().unwrap_or_default())?;
    let wait = Duration::from_secs(question.wait.into());
    let poll = LongPoll { store: &state.store, polls: &state.polls, stopping: state.stopping.subscribe() };
    let map = poll.run(&token.hash, question.since, wait).await?;
    Ok(envelope::ok(NetworkMapAnswer::new(map, &state.settings.relays, state.clock.now())))
}

impl Question {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let mut question = Self { since: 0, wait: WAIT };
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            match &*name {
                "since" => {
                    let since = value.parse().ok().filter(|since| *since >= 0);
                    question.since = since.ok_or(Refusal::invalid(
                        "since must be a version of the map: an integer, 0 or more",
                    ))?;
                }
                "wait" => {
                    let wait = value.parse().ok().filter(|wait| *wait <= LONGEST_WAIT);
                    question.wait =
                        wait.ok_or(Refusal::invalid("wait must be whole seconds from 0 to 50"))?;
                }
                _ => {}
            }
        }
        Ok(question)
    }
}

impl NetworkMapAnswer {
    /// The map with the asking machine as it is at `now`.
    fn new(map: NetworkMap, relays: &[Site], now: Timestamp) -> Self {
        let NetworkMap { version, full, machine, peers, removed } = map;
        let own = SelfView {
            status: machine.status.effective(machine.last_seen, now).as_str(),
            id: machine.id,
            name: machine.name,
            tailnet_ip: machine.tailnet_ip,
        };
        let peers = peers.into_iter().map(peer_view).collect();
        let relays = relays.iter().map(relay_view).collect();
        Self { version, full, own, peers, removed, relays }
    }
}

fn relay_view(site: &Site) -> RelayView {
    let Site { region, name, url } = site.clone();
    RelayView { region: region.into(), name, url }
}

fn peer_view(peer: Peer) -> PeerView {
    let Peer { id, name, tailnet_ip, public_key, endpoints, relay, online } = peer;
    PeerView { id, name, tailnet_ip, public_key, endpoints, relay: relay.map(String::from), online }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_read_and_their_bounds_kept() {
        for (text, since, wait) in [
            ("", 0, 25),
            ("since=7", 7, 25),
            ("wait=50&since=9223372036854775807&x=y", i64::MAX, 50),
            ("wait=0", 0, 0),
        ] {
            assert_eq!(Question::parse(text), Ok(Question { since, wait }), "{text}");
        }
        for (text, field) in [
            ("since=-1", "since"),
            ("since=", "since"),
            ("since=9223372036854775808", "since"),
            ("wait=51", "wait"),
            ("wait=-1", "wait"),
            ("wait=1.5", "wait"),
        ] {
            let refused = Question::parse(text);
            assert!(
                matches!(&refused, Err(Refusal::InvalidInput(words)) if words.starts_with(field)),
                "{text}: {refused:?}"
            );
        }
    }
}
