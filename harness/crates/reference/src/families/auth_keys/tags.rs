//! Tags of keys and machines, and which of them machines may claim.

use std::time::Duration;

use serde_json::{Value, json};

use crate::deviation::{
    Deviation, Family, IssuedKey, ProxyRequest, ProxyResponse, ProxyState, on_both, on_request, on_response,
};

pub(super) const ALL: Family = &[
    (
        "tag-prefix-kept",
        on_response(|request, response, state| show_allowed_tags(request, response, state, Value::clone)),
    ),
    (
        "tag-prefix-kept-on-the-first",
        on_response(|request, response, state| {
            show_allowed_tags(request, response, state, |tags| {
                let mut stripped = json!(without_prefix(tags));
                if let (Some(shown), Some(first)) = (stripped.get_mut(0), tags.get(0)) {
                    *shown = first.clone();
                }
                stripped
            });
        }),
    ),
    (
        "tags-unrestricted",
        on_both(
            |request, _| {
                let is_list =
                    request.json["allowed_tags"].as_array().is_some_and(|tags| tags.iter().all(is_tag));
                if request.creates_auth_key() && is_list {
                    request.remove("allowed_tags");
                }
                None
            },
            |request, response, state| {
                show_allowed_tags(request, response, state, |tags| json!(without_prefix(tags)));
            },
        ),
    ),
    (
        "tags-dropped-silently",
        on_request(|request, state| {
            let issued = state.key(request.text("auth_key"));
            if let Some(allowed) = issued.and_then(|issued| without_prefix(&issued.answered["allowed_tags"]))
                && let Some(mut claimed) = without_prefix(&request.json["tags"])
            {
                claimed.retain(|tag| allowed.contains(tag));
                request.set("tags", json!(claimed));
            }
            None
        }),
    ),
    (
        "tag-refusal-uses-the-key-up",
        Deviation {
            registration_delay: Duration::from_millis(250),
            ..on_both(
                |request, state| {
                    let spent = request.registers() && state.marks.contains(request.text("auth_key"));
                    spent.then(|| ProxyResponse::refusal(401, "KEY_USED", "Auth key already used"))
                },
                |request, response, state| {
                    let single = state.key(request.text("auth_key")).is_some_and(IssuedKey::is_single_use);
                    if response.refuses("TAG_NOT_ALLOWED") && single {
                        state.marks.insert(request.text("auth_key").to_owned());
                    }
                },
            )
        },
    ),
    (
        "key-tags-not-applied",
        on_request(|request, _| {
            if request.creates_auth_key() {
                request.remove("tags");
            }
            None
        }),
    ),
    (
        "set-tags-replaces",
        on_both(
            |request, state| {
                if let Some(name) = state.sender(request).map(|sender| sender.name.clone())
                    && let Some(tags) = without_prefix(&request.json["tags"])
                    && request.path == "/api/machine-tags"
                {
                    state.notes.insert(name, json!(tags));
                }
                None
            },
            |_, response, state| {
                for row in response.rows() {
                    let set = state.notes.get(row["name"].as_str().unwrap_or_default());
                    if let (Some(set), Some(tags)) = (set, row.get_mut("tags")) {
                        *tags = set.clone();
                    }
                }
            },
        ),
    ),
    (
        "tags-checked-for-new-names-only",
        on_both(
            |request, state| {
                let is_known = state.registration_named(request.text("name")).is_some();
                if is_known {
                    claim_unchecked(request, state, |_, _| true);
                }
                None
            },
            |_, response, state| show_unchecked(response, state),
        ),
    ),
    (
        "tags-only-first-checked",
        on_both(
            |request, state| {
                let first = request.json["tags"][0].as_str().map(str::to_owned);
                claim_unchecked(request, state, |tag, _| Some(tag) != first.as_deref());
                None
            },
            |_, response, state| show_unchecked(response, state),
        ),
    ),
    (
        "tags-checked-by-their-beginning",
        on_both(
            |request, state| {
                claim_unchecked(request, state, |tag, allowed| {
                    allowed.iter().any(|known| known != tag && known.starts_with(tag))
                });
                None
            },
            |_, response, state| show_unchecked(response, state),
        ),
    ),
    (
        "allowed-tags-only-first",
        on_request(|request, _| {
            keep_first(request, "allowed_tags");
            None
        }),
    ),
    (
        "key-tags-only-first",
        on_request(|request, _| {
            if request.creates_auth_key() {
                keep_first(request, "tags");
            }
            None
        }),
    ),
    (
        "key-tags-lost-on-reregistration",
        on_response(|request, response, state| {
            if !request.lists("machines") {
                return;
            }
            for row in response.rows() {
                let times = state.registrations.iter().filter(|machine| row["name"] == *machine.name).count();
                if times > 1 && row.get("tags").is_some() {
                    row["tags"] = json!([]);
                }
            }
        }),
    ),
    (
        "tags-checked-by-an-allowed-beginning",
        on_both(
            |request, state| {
                claim_unchecked(request, state, |tag, allowed| {
                    allowed.iter().any(|known| known != tag && tag.starts_with(known.as_str()))
                });
                None
            },
            |_, response, state| show_unchecked(response, state),
        ),
    ),
];

/// Shows the allowed tags of keys in a form derived from those that were requested.
fn show_allowed_tags(
    request: &ProxyRequest,
    response: &mut ProxyResponse,
    state: &ProxyState,
    form: fn(&Value) -> Value,
) {
    if request.creates_auth_key() && response.is_success() {
        response.set("allowed_tags", form(&request.json["allowed_tags"]));
    }
    for row in response.rows() {
        let issued = state.key_by_id(&row["id"]);
        if let (Some(issued), Some(tags)) = (issued, row.get_mut("allowed_tags")) {
            *tags = form(&issued.requested["allowed_tags"]);
        }
    }
}

/// A list of tags without `tag:`; none if it is not a list.
fn without_prefix(tags: &Value) -> Option<Vec<String>> {
    let tags = tags.as_array()?.iter().filter_map(Value::as_str);
    Some(tags.map(|tag| tag.trim_start_matches("tag:").to_owned()).collect())
}

fn is_tag(tag: &Value) -> bool {
    tag.as_str().is_some_and(|tag| !tag.trim_start_matches("tag:").is_empty() && !tag.contains(' '))
}

/// Takes the claimed tags that `escapes` selects out of a registration, and notes that its machine has them.
/// `escapes` also sees the tags that the key allows.
fn claim_unchecked(
    request: &mut ProxyRequest,
    state: &mut ProxyState,
    escapes: impl Fn(&str, &[String]) -> bool,
) {
    let issued = state.key(request.text("auth_key")).filter(|_| request.registers());
    let allowed = issued.and_then(|issued| without_prefix(&issued.answered["allowed_tags"]));
    if let (Some(allowed), Some(claimed)) = (allowed, without_prefix(&request.json["tags"])) {
        let (escaped, checked): (Vec<String>, Vec<String>) =
            claimed.into_iter().partition(|tag| escapes(tag, &allowed));
        if !escaped.is_empty() {
            let known = state.notes.entry(request.text("name").to_owned()).or_insert(json!([]));
            known
                .as_array_mut()
                .into_iter()
                .for_each(|known| known.extend(escaped.iter().map(|tag| json!(tag))));
            request.set("tags", json!(checked));
        }
    }
}

/// Adds the tags that were not checked to the rows of their machines.
fn show_unchecked(response: &mut ProxyResponse, state: &ProxyState) {
    for row in response.rows() {
        let escaped = state.notes.get(row["name"].as_str().unwrap_or_default()).and_then(Value::as_array);
        let shown = row.get_mut("tags").and_then(Value::as_array_mut);
        if let (Some(escaped), Some(shown)) = (escaped, shown) {
            shown.extend(escaped.iter().cloned());
        }
    }
}

/// Keeps the first element of a list in the body.
fn keep_first(request: &mut ProxyRequest, field: &str) {
    if let Some(list) = request.json.get_mut(field).and_then(Value::as_array_mut) {
        list.truncate(1);
    }
}
