//! What a deviation can change, and the messages and state it works with.

mod agent;
mod message;
mod state;

use std::time::Duration;

pub use agent::{AgentCall, AgentDeviation, UNCHANGED_AGENT};
pub use message::{ProxyRequest, ProxyResponse};
pub use state::{IssuedKey, KeyKind, ProxyState, Registration};

/// One defect: in requests, in responses, by extra requests, by a setting that the reference has itself, or in the agent.
#[derive(Clone, Copy)]
pub struct Deviation {
    /// Extra requests sent before a request is forwarded.
    pub send_before: fn(&ProxyRequest, &mut ProxyState) -> Vec<ProxyRequest>,
    /// Changes a request, or answers it without forwarding it.
    pub on_request: fn(&mut ProxyRequest, &mut ProxyState) -> Option<ProxyResponse>,
    /// How long each registration is held back, so that simultaneous ones are certain to overlap.
    pub registration_delay: Duration,
    /// Changes the response to a request.
    pub on_response: fn(&ProxyRequest, &mut ProxyResponse, &mut ProxyState),
    /// Extra requests sent after a response has arrived and before it is passed on.
    pub send_after: fn(&ProxyRequest, &ProxyResponse, &mut ProxyState) -> Vec<ProxyRequest>,
    /// Extra requests sent when the reference's clock was advanced.
    pub on_clock_advance: fn(&mut ProxyState) -> Vec<ProxyRequest>,
    /// Changes the installer's script.
    pub installer: Option<fn(&str) -> String>,
    /// A Terraform provider with the defect, built as an example of the reference's.
    pub provider: Option<&'static str>,
    /// Whether the reference is configured to believe `X-Forwarded-For` from any address.
    pub trusts_all_proxies: bool,
    pub agent: Option<AgentDeviation>,
    /// A script that the dashboard's pages load before their own.
    pub page: Option<&'static str>,
}

/// The deviations of one family, by id.
pub type Family = &'static [(&'static str, Deviation)];

/// Changes nothing; the base of all deviations.
pub const UNCHANGED: Deviation = Deviation {
    send_before: |_, _| Vec::new(),
    on_request: |_, _| None,
    registration_delay: Duration::ZERO,
    on_response: |_, _, _| (),
    send_after: |_, _, _| Vec::new(),
    on_clock_advance: |_| Vec::new(),
    installer: None,
    provider: None,
    trusts_all_proxies: false,
    agent: None,
    page: None,
};

/// A defect of the dashboard's pages.
pub(crate) const fn on_page(script: &'static str) -> Deviation {
    Deviation { page: Some(script), ..UNCHANGED }
}

pub(crate) const fn on_request(
    on_request: fn(&mut ProxyRequest, &mut ProxyState) -> Option<ProxyResponse>,
) -> Deviation {
    Deviation { on_request, ..UNCHANGED }
}

pub(crate) const fn on_response(
    on_response: fn(&ProxyRequest, &mut ProxyResponse, &mut ProxyState),
) -> Deviation {
    Deviation { on_response, ..UNCHANGED }
}

pub(crate) const fn on_both(
    on_request: fn(&mut ProxyRequest, &mut ProxyState) -> Option<ProxyResponse>,
    on_response: fn(&ProxyRequest, &mut ProxyResponse, &mut ProxyState),
) -> Deviation {
    Deviation { on_request, on_response, ..UNCHANGED }
}
