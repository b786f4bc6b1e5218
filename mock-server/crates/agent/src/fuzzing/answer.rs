//! Decodes arbitrary bytes as the control plane's answers, and uses them as the commands do.

use std::time::{Duration, Instant};

use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use serde_json::Value;
use time::OffsetDateTime;
use ztna_protocol::address::is_tailnet;

use crate::clock;
use crate::commands::{Pace, expiry, render_keys};
use crate::control_client::{
    AuthKey, AuthKeyList, Backoff, ControlError, CreatedAuthKey, DeviceCode, DeviceToken, Machine,
    Membership, NetworkMapAnswer, Registered, decode, decode_clock, decode_refusal, retry_delay,
};
use crate::relative_time;
use crate::state::{Registration, State};
use crate::tunnel::apply_maps;

/// Waits that an answer asks for are capped at minutes.
const MAX_WAIT: Duration = Duration::from_secs(30 * 60);

/// The first byte selects the endpoint, and the others are the body; line feeds separate pages and successive answers.
pub(super) fn run(bytes: &[u8]) {
    let Some((endpoint, body)) = bytes.split_first() else { return };
    let now = OffsetDateTime::UNIX_EPOCH;
    match endpoint % 9 {
        0 => registration(body),
        1 => {
            if let Some(machine) = decode::<Machine>(body) {
                assert!(is_tailnet(machine.tailnet_ip.into()));
            }
        }
        2 => apply_maps(lines(body).filter_map(decode::<NetworkMapAnswer>)),
        3 => {
            let mut list = AuthKeyList::default();
            lines(body).filter_map(decode::<Vec<AuthKey>>).for_each(|page| list.add(page));
            assert!(!render_keys(list.keys(), now).is_empty());
        }
        4 => {
            if let Some(created) = decode::<CreatedAuthKey>(body) {
                let days = Duration::from_secs(created.expiry_days.unwrap_or(0).saturating_mul(86_400));
                assert!(relative_time::from_now(days).starts_with("in "));
                assert_fits_header(created.key.expose());
            }
        }
        5 => login(body, now),
        6 => drop(decode::<Vec<Membership>>(body)),
        7 => refusal(body),
        _ => headers(body),
    }
}

fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|byte| *byte == b'\n')
}

fn registration(body: &[u8]) {
    let Some(Registered { machine, machine_token, org_id }) = decode(body) else { return };
    assert!(is_tailnet(machine.tailnet_ip.into()));
    assert_fits_header(machine_token.expose());
    let Machine { id, name, tailnet_ip, .. } = machine;
    let registration = Registration { id, name, tailnet_ip, token: machine_token };
    let state = State { org_id, machine: Some(registration.clone()), ..State::default() };
    let stored = serde_json::to_vec(&state).unwrap_or_default();
    let read: Option<State> = serde_json::from_slice(&stored).ok();
    assert_eq!(read.and_then(|state| state.machine), Some(registration), "what is stored can be read");
}

fn login(body: &[u8], now: OffsetDateTime) {
    if let Some(code) = decode::<DeviceCode>(body) {
        let Pace { limit, interval } = Pace::of(&code);
        assert!(limit <= MAX_WAIT && interval <= MAX_WAIT && !interval.is_zero());
        let _ = Instant::now() + limit + interval;
    }
    if let Some(token) = decode::<DeviceToken>(body) {
        assert_fits_header(token.access_token.expose());
        if let Some(lifetime) = token.expires_in {
            assert!(expiry(lifetime, now) >= Some(now));
            let _ = expiry(lifetime, OffsetDateTime::new_utc(time::Date::MAX, time::Time::MIDNIGHT));
        }
    }
}

fn refusal(body: &[u8]) {
    let Some(([high, low], body)) = body.split_first_chunk() else { return };
    let status = u16::from_be_bytes([*high, *low]);
    let Some(error) = decode_refusal(status, &HeaderMap::new(), body) else { return };
    assert!(error.to_string().len() < 4000);
    if error.disowns_credential() {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let is_own = value.get("success") == Some(&Value::Bool(false))
            && value.pointer("/error/code").is_some_and(|code| code == "UNAUTHORIZED");
        assert!(status == 401 && is_own, "{value}");
    }
    let delay = retry_delay(&error, 0, &mut Backoff::up_to(Duration::from_secs(30)), 0.5);
    assert!(delay.is_none_or(|delay| delay <= MAX_WAIT));
}

/// The first line is Retry-After, the second Date.
fn headers(body: &[u8]) {
    let mut headers = HeaderMap::new();
    for (name, value) in [RETRY_AFTER, DATE].into_iter().zip(lines(body)) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(name, value);
        }
    }
    let busy = br#"{"error": {"code": "RATE_LIMITED"}}"#;
    if let Some(ControlError::Refused { retry_after: Some(wait), .. }) = decode_refusal(429, &headers, busy) {
        assert!(wait <= MAX_WAIT);
    }
    for now in [OffsetDateTime::UNIX_EPOCH, OffsetDateTime::new_utc(time::Date::MAX, time::Time::MIDNIGHT)] {
        let _ = decode_clock(&headers, now).and_then(clock::warning);
    }
}

fn assert_fits_header(secret: &str) {
    assert!(HeaderValue::from_str(secret).is_ok(), "a token that does not fit into a header");
}
