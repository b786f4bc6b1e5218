//! `ztna login`: the device flow of RFC 8628.

use std::time::Duration;

use serde::Deserialize;
use time::OffsetDateTime;
use tokio::time::{Instant, timeout_at};

use crate::clock;
use crate::console::print_line;
use crate::context::{Context, now};
use crate::control_client::{ControlClient, ControlError, DeviceCode, DeviceToken};
use crate::error::AgentError;
use crate::secret::Secret;
use crate::state::Session;

/// Time between polls if the control plane specifies none (RFC 8628, section 3.2).
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);

/// Lower bound of the poll interval, in case the control plane specifies 0.
const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// Upper bound of the poll interval.
const MAX_INTERVAL: Duration = Duration::from_secs(60);

/// Upper bound of the time that a code is waited for.
const MAX_WAIT: Duration = Duration::from_secs(30 * 60);

/// Upper bound of the lifetime of a session that is stored, so that the date stays within its range.
const MAX_LIFETIME: Duration = Duration::from_secs(10 * 366 * 86_400);

/// Added to the poll interval on `slow_down` (RFC 8628, section 3.5).
const SLOW_DOWN: Duration = Duration::from_secs(5);

/// Shows a code, waits until it is approved in a browser, and stores the session.
pub(super) fn run(context: &Context) -> Result<(), AgentError> {
    let state = context.folder.load()?;
    let control = context.control(&state)?;
    let token = context.block_on(async {
        let code = control.device_code().await.map_err(AgentError::request("login"))?;
        let DeviceCode { verification_uri, user_code, .. } = &code;
        print_line(&format!(
            "To authenticate, visit:\n  {verification_uri}\nand enter the code: {user_code}"
        ));
        wait_for_approval(&control, &code).await
    })?;
    let email = email(&token.access_token);
    let expires_at = token.expires_in.and_then(|lifetime| expiry(lifetime, now()));
    let session = Session { access_token: token.access_token, email: email.clone(), expires_at };
    context.folder.update(|state| {
        state.server = Some(control.server().to_owned());
        state.session = Some(session);
    })?;
    clock::warn_if_wrong(&control);
    print_line(&format!("Logged in as {}.", email.as_deref().unwrap_or("an unnamed user")));
    Ok(())
}

/// How long and how often to ask whether a code was approved, within bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) limit: Duration,
    pub(crate) interval: Duration,
}

impl Pace {
    pub(crate) fn of(code: &DeviceCode) -> Self {
        let interval = code.interval.unwrap_or(DEFAULT_INTERVAL).clamp(MIN_INTERVAL, MAX_INTERVAL);
        Self { limit: code.expires_in.min(MAX_WAIT), interval }
    }
}

/// Returns when a session with this lifetime expires, within the range of dates.
pub(crate) fn expiry(lifetime: Duration, now: OffsetDateTime) -> Option<OffsetDateTime> {
    now.checked_add(time::Duration::try_from(lifetime.min(MAX_LIFETIME)).ok()?)
}

async fn wait_for_approval(control: &ControlClient, code: &DeviceCode) -> Result<DeviceToken, AgentError> {
    const EXPIRED: AgentError = AgentError::LoginEnded("the code was not entered in time");

    let Pace { limit, mut interval } = Pace::of(code);
    let end = Instant::now() + limit;
    loop {
        if Instant::now() + interval > end {
            return Err(EXPIRED);
        }
        tokio::time::sleep(interval).await;
        let answer = timeout_at(end, control.device_token(&code.device_code)).await;
        match answer.map_err(|_| EXPIRED)? {
            Ok(token) => return Ok(token),
            Err(error) => match PollOutcome::from_error(&error) {
                PollOutcome::Again => {}
                PollOutcome::Slower => interval = interval.saturating_add(SLOW_DOWN).min(MAX_INTERVAL),
                PollOutcome::Denied => return Err(AgentError::LoginEnded("the login was denied")),
                PollOutcome::Expired => return Err(EXPIRED),
                PollOutcome::Failed => return Err(AgentError::request("login")(error)),
            },
        }
    }
}

/// What to do after a poll that returned no token.
#[derive(Debug, PartialEq, Eq)]
enum PollOutcome {
    Again,
    Slower,
    Denied,
    Expired,
    Failed,
}

impl PollOutcome {
    fn from_error(error: &ControlError) -> Self {
        match error {
            ControlError::Refused { code, .. } => match code.as_str() {
                "authorization_pending" => Self::Again,
                "slow_down" => Self::Slower,
                "access_denied" => Self::Denied,
                "expired_token" => Self::Expired,
                _ if error.is_temporary() => Self::Slower,
                _ => Self::Failed,
            },
            // A lost connection asks for a longer interval too (RFC 8628, section 3.5).
            _ if error.is_temporary() => Self::Slower,
            _ => Self::Failed,
        }
    }
}

/// Returns the session's user for display only; no decision depends on it, so the signature is not verified.
fn email(token: &Secret) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        email: Option<String>,
        sub: Option<String>,
    }
    let claims: Claims = jsonwebtoken::dangerous::insecure_decode_claims(token.expose()).ok()?;
    claims.email.or(claims.sub)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    #[test]
    fn token_endpoint_errors_map_to_outcomes() {
        let refused = |status, code: &str| ControlError::Refused {
            status,
            code: code.to_owned(),
            message: String::new(),
            retry_after: None,
            in_envelope: true,
        };
        let lost = ControlError::Unreachable { server: String::new(), cause: String::new() };
        for (error, poll) in [
            (refused(400, "authorization_pending"), PollOutcome::Again),
            (refused(400, "slow_down"), PollOutcome::Slower),
            (refused(400, "access_denied"), PollOutcome::Denied),
            (refused(400, "expired_token"), PollOutcome::Expired),
            (refused(400, "invalid_grant"), PollOutcome::Failed),
            (refused(503, "UNAVAILABLE"), PollOutcome::Slower),
            (lost, PollOutcome::Slower),
        ] {
            assert_eq!(PollOutcome::from_error(&error), poll, "{error:?}");
        }
    }

    #[test]
    fn email_is_read_from_unverified_claims() {
        let token = |claims: &str| {
            let part = |text| URL_SAFE_NO_PAD.encode(text);
            Secret::from_text(&format!("{}.{}.c2ln", part("{\"alg\":\"HS256\"}"), part(claims))).unwrap()
        };
        assert_eq!(email(&token(r#"{"email":"a@b","sub":"1"}"#)).as_deref(), Some("a@b"));
        assert_eq!(email(&token(r#"{"sub":"1"}"#)).as_deref(), Some("1"));
        for opaque in ["opaque", "a.b.c", "..", "e30.e30"] {
            assert_eq!(email(&Secret::from_text(opaque).unwrap()), None);
        }
    }
}
