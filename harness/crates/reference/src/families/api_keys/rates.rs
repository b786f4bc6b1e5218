//! How often an API key may be used.

use serde_json::json;

use harness_model::scenario::model::Identity;

use crate::deviation::{Family, KeyKind, ProxyResponse, on_both, on_request, on_response};
use crate::families::shared::show_requested;

pub(super) const ALL: Family = &[
    (
        "rate-limit-for-reading-only",
        on_request(|request, state| {
            let issued = request.token.as_deref().and_then(|token| state.key(token));
            let is_limited = issued.is_some_and(|issued| {
                issued.requested["rate_limit_rpm"].as_u64().is_some_and(|rate| rate < 60)
            });
            if request.method == "POST" && is_limited {
                request.token = state.session(Identity::Admin).cloned();
            }
            None
        }),
    ),
    (
        "rate-default-1000",
        on_request(|request, _| {
            if request.creates_api_key() && request.json["rate_limit_rpm"].is_null() {
                request.set("rate_limit_rpm", json!(1000));
            }
            None
        }),
    ),
    (
        "rates-of-the-page-only",
        on_request(|request, _| {
            let rate = request.json["rate_limit_rpm"].as_u64();
            let is_other = rate.is_some_and(|rate| rate == 7 || rate == 100_000);
            (request.creates_api_key() && is_other).then(|| {
                ProxyResponse::refusal(400, "INVALID_INPUT", "rate_limit_rpm must be one of the list")
            })
        }),
    ),
    (
        "rate-not-enforced",
        on_both(
            |request, _| {
                if request.creates_api_key()
                    && request.json["rate_limit_rpm"].as_u64().is_some_and(|rate| rate > 0)
                {
                    request.set("rate_limit_rpm", json!(1_000_000));
                }
                None
            },
            |request, response, state| {
                if request.lists("api_keys") {
                    show_requested(request, response, state, "rate_limit_rpm", &json!(60));
                }
            },
        ),
    ),
    (
        "rate-capped-at-60",
        on_request(|request, state| {
            let key = request.token.clone().filter(|token| state.key(token).is_some())?;
            let used = state.notes.entry(key).or_insert_with(|| json!(0));
            let uses = used.as_u64().unwrap_or_default() + 1;
            *used = json!(uses);
            (uses > 60).then(|| ProxyResponse::refusal(429, "RATE_LIMITED", "Rate limit exceeded"))
        }),
    ),
    (
        "rate-shared-between-keys",
        on_request(|request, state| {
            let first = state.keys.iter().find(|issued| issued.kind == KeyKind::Api);
            if let Some(first) = first
                && request.token.as_deref().is_some_and(|token| state.key(token).is_some())
            {
                request.token = Some(first.key.clone());
            }
            None
        }),
    ),
    (
        "rate-limit-never-lifted",
        on_both(
            |request, state| {
                let refused = state.marks.contains(request.token.as_deref()?);
                refused.then(|| ProxyResponse::refusal(429, "RATE_LIMITED", "Rate limit exceeded"))
            },
            |request, response, state| {
                if let Some(token) = request.token.clone().filter(|_| response.refuses("RATE_LIMITED")) {
                    state.marks.insert(token);
                }
            },
        ),
    ),
    (
        "rate-stored-as-60",
        on_response(|_, response, _| response.each("rate_limit_rpm", |rate| *rate = json!(60))),
    ),
    (
        // Real time that passes between two steps is not looked at: only a moved clock is sure.
        "rate-by-the-second",
        on_request(|request, state| {
            let issued = request.token.as_deref().and_then(|token| state.key(token))?;
            let rate = issued.requested["rate_limit_rpm"].as_u64().filter(|rate| *rate < 60)?;
            let (second, key) = (state.now.as_secs(), issued.key.clone());
            let used = state.notes.entry(key).or_insert_with(|| json!([second, 0]));
            let uses = if used[0] == second { used[1].as_u64().unwrap_or_default() + 1 } else { 1 };
            *used = json!([second, uses]);
            if uses > rate {
                return Some(ProxyResponse::refusal(429, "RATE_LIMITED", "Rate limit exceeded"));
            }
            request.token = state.session(Identity::Admin).cloned();
            None
        }),
    ),
];
