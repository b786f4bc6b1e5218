//! `GET /api/network-map`: the peers of a machine, with long polling for changes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{self, RawQuery};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use hyper::body::{Frame, SizeHint};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use ztna_protocol::access::RuleView;
use ztna_protocol::network_map::{PeerView, RelayView};

use super::deferred::{self, CanDefer};
use super::envelope::Success;
use super::machine::MachineToken;
use super::pairs::{pairs, refuse_repeated};
use super::refusals::refusals;
use super::{Error, State, error};
use crate::control::network_map::{LongPoll, MapRequest, NetworkMap};
use crate::domain::Refusal;
use crate::domain::site::Site;

/// How many seconds a request waits for a change by default.
const DEFAULT_WAIT: u32 = 25;
const MAX_WAIT: u32 = 50;

refusals!(NetworkMapRefusals: InvalidInput, Unauthorized, Quarantined, Forbidden);

/// The version that the machine holds, and how long it waits for a change.
#[derive(Debug, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MapQuery {
    /// The machine's version of the map; 0, the default, returns the whole map.
    #[param(required = false, minimum = 0, maximum = 9223372036854775807_i64, default = 0)]
    pub since: i64,
    /// How many seconds to wait for a change; 25 by default.
    #[param(required = false, minimum = 0, maximum = 50, default = 25)]
    pub wait: u32,
    /// Whether the machine applies access rules. One that does not is sent no peers while the organisation has rules.
    #[param(required = false, default = false)]
    pub access_rules: bool,
}

/// The machine's peers, or their changes.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only used for its schema")]
pub struct NetworkMapAnswer {
    /// The value of `since` for the next request.
    version: i64,
    /// Whether `peers` contains all peers, so that the machine drops all others. Otherwise, it deletes the `removed` ones
    /// and then inserts or replaces the `peers` by id.
    full: bool,
    #[schema(rename = "self")]
    own: SelfView,
    /// All peers, or those that are new or changed.
    peers: Vec<PeerView>,
    /// The ids of former peers: deleted, logged out, or quarantined.
    removed: Vec<String>,
    /// The organisation's access rules, if they have changed; always present in a full answer. Without any, every machine
    /// may reach every other; else only what a rule allows.
    #[schema(required = false)]
    access_rules: Vec<RuleView>,
    relays: Vec<RelayView>,
}

/// The requesting machine.
#[derive(Debug, Serialize, ToSchema)]
pub struct SelfView {
    id: String,
    name: String,
    /// The address in 100.64.0.0/10.
    tailnet_ip: String,
    /// online or offline.
    status: &'static str,
    /// Without the prefix `tag:`.
    tags: Vec<String>,
}

/// Returns the machine's peers, or waits until something changes.
#[utoipa::path(
    get,
    path = "/api/network-map",
    params(MapQuery),
    responses(
        (status = 200, description = "The changes; empty after the wait", body = Success<NetworkMapAnswer>),
        NetworkMapRefusals,
    ),
    security(("machine_token" = []))
)]
pub async fn network_map(
    extract::State(state): extract::State<State>,
    token: MachineToken,
    can_defer: Option<Extension<CanDefer>>,
    RawQuery(text): RawQuery,
) -> Result<Response, Error> {
    let query = MapQuery::parse(text.as_deref().unwrap_or_default())?;
    let wait = Duration::from_secs(query.wait.into());
    let poll = LongPoll {
        store: state.store.clone(),
        clock: state.clock.clone(),
        polls: state.polls.clone(),
        maps: state.maps.clone(),
        watches: state.map_watches.clone(),
        interval: state.settings.map_poll_interval,
        stopping: state.stopping.subscribe(),
    };
    // Agents ask all at once after a change: then they wait for the store, and after that for the next change. A block
    // would have room for the future twice.
    let answer = poll
        .run(token.0, MapRequest { since: query.since, wait, applies_rules: query.access_rules })
        .map(move |map| {
            let map = map.map_err(Error::from);
            map.map_or_else(Error::into_response, |map| response(&map, &state.settings.relays))
        });
    Ok(deferred::respond(can_defer, "/api/network-map", answer).await)
}

impl MapQuery {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let mut query = Self { since: 0, wait: DEFAULT_WAIT, access_rules: false };
        let pairs = pairs(text.as_bytes())?;
        refuse_repeated(&pairs, &["since", "wait", "access_rules"])?;
        for (name, value) in &pairs {
            match name.as_str() {
                "since" => {
                    let since = value.parse().ok().filter(|since| *since >= 0);
                    query.since = since.ok_or(Refusal::invalid(
                        "since must be a version of the map: a non-negative integer",
                    ))?;
                }
                "wait" => {
                    let wait = value.parse().ok().filter(|wait| *wait <= MAX_WAIT);
                    query.wait = wait.ok_or(Refusal::invalid("wait must be whole seconds from 0 to 50"))?;
                }
                "access_rules" => {
                    let applies = value.parse().ok();
                    query.access_rules =
                        applies.ok_or(Refusal::invalid("access_rules must be true or false"))?;
                }
                _ => {}
            }
        }
        Ok(query)
    }
}

fn response(map: &NetworkMap, relays: &[Site]) -> Response {
    answer(map, relays).unwrap_or_else(|_| error::internal())
}

/// Writes a [`NetworkMapAnswer`] in its envelope around the shared parts, which are not copied.
fn answer(map: &NetworkMap, relays: &[Site]) -> Result<Response, serde_json::Error> {
    let NetworkMap { version, full, own: machine, changes } = map;
    let own = SelfView {
        id: machine.id.clone(),
        name: machine.name.clone(),
        tailnet_ip: machine.tailnet_ip.clone(),
        status: machine.status.as_str(),
        tags: machine.tags.clone(),
    };
    let own = serde_json::to_string(&own)?;
    let relays = serde_json::to_string(&relays.iter().map(relay_view).collect::<Vec<_>>())?;
    let begin =
        format!(r#"{{"success":true,"data":{{"version":{version},"full":{full},"self":{own},"peers":["#);
    let (before_rules, rules) = match changes.rules() {
        Some(rules) => (Bytes::from_static(br#"],"access_rules":"#), rules),
        None => (Bytes::from_static(b"]"), Bytes::new()),
    };
    let end = format!(r#","relays":{relays}}}}}"#);
    let [peers, more_peers] = changes.peers_for(&machine.id);
    let [removed, more_removed] = changes.removed_for(&machine.id);
    let middle = Bytes::from_static(br#"],"removed":["#);
    let parts =
        [begin.into(), peers, more_peers, middle, removed, more_removed, before_rules, rules, end.into()];
    let body = Body::new(Parts(parts.into_iter().filter(|part| !part.is_empty()).collect()));
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// A body of a known length.
struct Parts(VecDeque<Bytes>);

impl HttpBody for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let length: usize = self.0.iter().map(Bytes::len).sum();
        SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
    }
}

fn relay_view(site: &Site) -> RelayView {
    let Site { region, name, url } = site.clone();
    RelayView { region: region.into(), name, url }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_parsed_and_bounded() {
        for (text, since, wait, access_rules) in [
            ("", 0, 25, false),
            ("since=7&access_rules=true", 7, 25, true),
            ("wait=50&since=9223372036854775807&x=y", i64::MAX, 50, false),
            ("wait=0&access_rules=false", 0, 0, false),
        ] {
            assert_eq!(MapQuery::parse(text), Ok(MapQuery { since, wait, access_rules }), "{text}");
        }
        for (text, field) in [
            ("since=-1", "since"),
            ("since=", "since"),
            ("since=9223372036854775808", "since"),
            ("wait=51", "wait"),
            ("wait=-1", "wait"),
            ("wait=1.5", "wait"),
            ("wait=1&wait=2", "wait"),
            ("access_rules=1", "access_rules"),
            ("access_rules=", "access_rules"),
            ("since=1&since=1", "since"),
            ("x=%ff", "The query"),
        ] {
            let refused = MapQuery::parse(text);
            assert!(
                matches!(&refused, Err(Refusal::InvalidInput(words)) if words.starts_with(field)),
                "{text}: {refused:?}"
            );
        }
    }
}
