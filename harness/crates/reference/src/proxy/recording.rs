//! The traffic of an unmodified reference, recorded so that deviations can be tried on it without a run.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::page;
use crate::deviation::{Deviation, ProxyRequest, ProxyResponse, ProxyState};
use crate::front_proxy::Sessions;

pub(super) const FORWARDED_FOR: &str = "x-forwarded-for";
pub(super) const INSTALLER: &str = "/install.sh";

/// The traffic of one control plane.
#[derive(Debug, Clone, Default)]
pub struct TrafficRecording(Arc<Mutex<Vec<RecordedEvent>>>);

#[derive(Debug)]
pub(super) enum RecordedEvent {
    Started(Sessions),
    Exchange {
        request: Box<ProxyRequest>,
        /// None if the body is not JSON.
        response: Option<ProxyResponse>,
    },
    ClockAdvanced {
        by: Duration,
        sessions: Sessions,
    },
}

impl TrafficRecording {
    pub(super) fn push(&self, event: RecordedEvent) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    /// Whether the deviation would have changed a recorded request or response, or sent a request of its own.
    /// Effects of simultaneous requests are not reproduced.
    pub fn would_trigger(&self, deviation: &Deviation) -> bool {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = ProxyState::default();
        events.iter().any(|event| match event {
            RecordedEvent::Started(sessions) => {
                state = ProxyState::new(sessions.clone());
                false
            }
            RecordedEvent::ClockAdvanced { by, sessions } => {
                state.advance_clock(*by, sessions.clone());
                !(deviation.on_clock_advance)(&mut state).is_empty()
            }
            RecordedEvent::Exchange { request, response } => {
                (deviation.trusts_all_proxies && request.headers.contains_key(FORWARDED_FOR))
                    || (deviation.installer.is_some() && request.path == INSTALLER)
                    || (deviation.page.is_some() && page::is_asked_for(request))
                    || would_change(deviation, request, response.as_ref(), &mut state)
            }
        })
    }
}

fn would_change(
    deviation: &Deviation,
    request: &ProxyRequest,
    response: Option<&ProxyResponse>,
    state: &mut ProxyState,
) -> bool {
    let mut changed = request.clone();
    if !(deviation.send_before)(request, state).is_empty()
        || (deviation.on_request)(&mut changed, state).is_some()
        || changed != *request
    {
        return true;
    }
    let Some(response) = response else { return false };
    state.learn(request, response);
    let mut changed = response.clone();
    (deviation.on_response)(request, &mut changed, state);
    changed != *response || !(deviation.send_after)(request, response, state).is_empty()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::json;

    use super::*;
    use crate::families;

    #[test]
    fn a_recording_shows_which_deviations_would_trigger() {
        let registration = json!({ "auth_key": "tskey-auth-k", "name": "m" });
        let mut request = ProxyRequest::post("/api/register-machine", None, registration);
        request.headers.insert(FORWARDED_FOR, HeaderValue::from_static("10.1.2.3"));
        let response = ProxyResponse::refusal(401, "INVALID_KEY", "Invalid auth key");
        let recording = TrafficRecording::default();
        recording.push(RecordedEvent::Started(Sessions::new()));
        recording.push(RecordedEvent::Exchange { request: Box::new(request), response: Some(response) });
        let cases = [
            ("invalid-key-is-not-found", true),
            ("registration-needs-session", true),
            ("forwarded-for-believed", true),
            ("created-is-200", false),
            ("rate-not-enforced", false),
        ];
        for (id, expected) in cases {
            let (_, deviation) = families::named(id).unwrap_or_else(|| panic!("{id}"));
            assert_eq!(recording.would_trigger(&deviation), expected, "{id}");
        }
    }
}
