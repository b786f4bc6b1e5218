//! `GET /api/changes`: whether anything of an organisation has changed, with long polling.

use std::time::Duration;

use axum::extract::{self, RawQuery};
use axum::response::Response;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::envelope::{self, Success};
use super::pairs::{pairs, refuse_repeated};
use super::refusals::refusals;
use super::{Error, State};
use crate::control::changes::ChangePoll;
use crate::domain::Refusal;

/// How many seconds a request waits for a change by default.
const DEFAULT_WAIT: u32 = 25;
const MAX_WAIT: u32 = 50;

refusals!(ChangesRefusals: MissingFields, InvalidInput, Unauthorized, Forbidden, InsufficientScope, RateLimited);

/// The organisation, the version that the caller knows, and how long it waits for another one.
#[derive(Debug, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChangesQuery {
    /// The organisation.
    #[param(min_length = 1)]
    pub org_id: String,
    /// The version of an earlier answer; without it, the answer is immediate.
    pub since: Option<String>,
    /// How many seconds to wait for a change; 25 by default.
    #[param(required = false, minimum = 0, maximum = 50, default = 25)]
    pub wait: u32,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Changes {
    /// Another text after every change of machines, keys, or the audit log. The value of `since` for the next request.
    version: String,
}

/// Returns the version of an organisation's lists, or waits until it differs from `since`.
///
/// Machines that come and go, approvals, new and revoked keys, and uses of auth keys change it; uses of API keys do not.
#[utoipa::path(
    get,
    path = "/api/changes",
    params(ChangesQuery),
    responses(
        (status = 200, description = "The version; the same one after the wait", body = Success<Changes>),
        ChangesRefusals,
    ),
    security(("session" = []), ("api_key" = []))
)]
pub async fn changes(
    extract::State(state): extract::State<State>,
    caller: Caller,
    RawQuery(text): RawQuery,
) -> Result<Response, Error> {
    let query = ChangesQuery::parse(text.as_deref().unwrap_or_default())?;
    let poll = ChangePoll {
        store: &state.store,
        polls: &state.polls,
        clock: &state.clock,
        interval: state.settings.map_poll_interval,
        stopping: state.stopping.subscribe(),
    };
    let wait = Duration::from_secs(query.wait.into());
    let version = poll.run(&caller, &query.org_id, query.since.as_deref(), wait).await?;
    Ok(envelope::ok(Changes { version }))
}

impl ChangesQuery {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let pairs = pairs(text.as_bytes())?;
        refuse_repeated(&pairs, &["org_id", "since", "wait"])?;
        let value = |wanted: &str| {
            let found = pairs.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.as_str())
        };
        let wait = match value("wait") {
            None => DEFAULT_WAIT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|wait| *wait <= MAX_WAIT)
                .ok_or(Refusal::invalid("wait must be whole seconds from 0 to 50"))?,
        };
        let org_id = value("org_id").filter(|org_id| !org_id.is_empty());
        Ok(Self {
            org_id: org_id.ok_or(Refusal::MissingField("org_id"))?.to_owned(),
            since: value("since").map(ToOwned::to_owned),
            wait,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_parsed_and_bounded() {
        let parsed = ChangesQuery::parse("org_id=a&since=7f&wait=50&x=y").unwrap();
        let expected = ChangesQuery { org_id: "a".to_owned(), since: Some("7f".to_owned()), wait: 50 };
        assert_eq!(parsed, expected);
        assert_eq!(ChangesQuery::parse("org_id=a").unwrap().wait, 25);
        for (text, code) in [
            ("", "MISSING_FIELDS"),
            ("org_id=&wait=1", "MISSING_FIELDS"),
            ("org_id=a&wait=51", "INVALID_INPUT"),
            ("org_id=a&wait=", "INVALID_INPUT"),
            ("org_id=a&org_id=b", "INVALID_INPUT"),
            ("org_id=%ff", "INVALID_INPUT"),
        ] {
            assert_eq!(ChangesQuery::parse(text).unwrap_err().code().as_str(), code, "{text}");
        }
    }
}
