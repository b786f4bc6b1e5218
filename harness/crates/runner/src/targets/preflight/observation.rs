//! What the first requests of a session have shown.

use std::fmt;

use harness_model::check::evidence::Exchange;
use harness_model::scenario::model::Identity;
use reqwest::Url;

use super::organisations::Organisations;

/// What the first requests of a session have shown.
#[derive(Debug, Clone)]
pub(super) struct Observation {
    pub(super) identity: Identity,
    /// The organisation that the profile names for it.
    pub(super) org: String,
    pub(super) token: String,
    /// Whether both reads refused the session.
    pub(super) is_refused: bool,
    /// The list of auth keys, which every session of the organisation may read (`used-count`).
    pub(super) list: Response,
    /// The list of its organisations; `None` if there is no readable response.
    pub(super) organisations: Option<Organisations>,
    /// Whether it can read the other identities' organisation as well, if that is not its own.
    pub(super) reads_foreign: bool,
    /// Whether a new session can be obtained.
    pub(super) is_renewable: bool,
}

/// A response in a message: `GET /api/… returned 403 FORBIDDEN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) request: String,
    pub(super) status: u16,
    pub(super) code: Option<String>,
}

impl Observation {
    pub(super) fn role(&self) -> Option<&'static str> {
        self.organisations.as_ref()?.role(&self.org)
    }

    /// Whether the target lists the session's organisations, and not this one.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.organisations.as_ref().is_some_and(|organisations| !organisations.lists(&self.org))
    }

    /// Whether its role may not do what it should be able to do, or the other way around.
    pub(super) fn has_unexpected_role(&self) -> bool {
        let is_privileged = |role: &str| role != "member";
        self.role().is_some_and(|role| is_privileged(role) == (self.identity == Identity::Member))
    }
}

impl Response {
    pub(super) fn of(exchange: &Exchange) -> Self {
        let query = |url: &Url| url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let target = Url::parse(&exchange.url).map(|url| format!("{}{}", url.path(), query(&url)));
        Self {
            request: format!("{} {}", exchange.method, target.as_ref().unwrap_or(&exchange.url)),
            status: exchange.status,
            code: exchange.refusal_code().map(str::to_owned),
        }
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the request was understood and refused, other than for its session or the rate of requests.
    pub(super) fn is_refusal(&self) -> bool {
        (400..500).contains(&self.status) && !matches!(self.status, 401 | 408 | 429)
    }
}

impl fmt::Display for Response {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} returned {}", self.request, self.status)?;
        self.code.iter().try_for_each(|code| write!(formatter, " {code}"))
    }
}
