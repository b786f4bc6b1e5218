//! What access rules allow.

use axum::http::Method;
use serde_json::{Value, json};

use crate::deviation::{Family, ProxyRequest, ProxyResponse, ProxyState, on_request};

/// The key of the rules in [`ProxyState::notes`].
const RULES: &str = "rules";

pub(super) const ALL: Family = &[
    (
        "access-rules-refused",
        on_request(|request, _| {
            sets_rules(request).then(|| ProxyResponse::refusal(404, "NOT_FOUND", "Not found"))
        }),
    ),
    (
        "access-rules-ignored",
        on_request(|request, _| {
            let answer = json!({ "version": 1, "rules": request.json["rules"], "updated_at": null });
            sets_rules(request).then(|| ProxyResponse::data(200, answer))
        }),
    ),
    (
        "access-rules-deny-all",
        on_request(|request, _| each_rule(request, |rule| rule["src"] = json!(["tag:nobody-has-this"]))),
    ),
    (
        "access-rule-sources-ignored",
        on_request(|request, _| each_rule(request, |rule| rule["src"] = json!(["*"]))),
    ),
    (
        "access-rule-destinations-ignored",
        on_request(|request, _| {
            each_rule(request, |rule| each_destination(rule, |_, ports| format!("*:{ports}")))
        }),
    ),
    (
        "access-rule-ports-ignored",
        on_request(|request, _| {
            each_rule(request, |rule| each_destination(rule, |machines, _| format!("{machines}:*")))
        }),
    ),
    (
        "access-rules-in-both-directions",
        on_request(|request, _| {
            change(request, |rules| {
                let opposite: Vec<Value> = rules.iter().flat_map(reversed).collect();
                rules.extend(opposite);
            })
        }),
    ),
    ("access-rules-first-only", on_request(|request, _| change(request, |rules| rules.truncate(1)))),
    ("access-rules-accumulate", on_request(add_earlier)),
    ("access-rules-set-once", on_request(keep_first)),
];

/// Whether it replaces the access rules.
pub(super) fn sets_rules(request: &ProxyRequest) -> bool {
    request.method == Method::PUT && request.path == "/api/acl"
}

fn change(request: &mut ProxyRequest, change: impl FnOnce(&mut Vec<Value>)) -> Option<ProxyResponse> {
    if sets_rules(request)
        && let Some(rules) = request.json.get_mut("rules").and_then(Value::as_array_mut)
    {
        change(rules);
    }
    None
}

fn each_rule(request: &mut ProxyRequest, each: impl FnMut(&mut Value)) -> Option<ProxyResponse> {
    change(request, |rules| rules.iter_mut().for_each(each))
}

/// Replaces each destination, given its machines and its ports.
fn each_destination(rule: &mut Value, replacement: impl Fn(&str, &str) -> String) {
    for destination in rule["dst"].as_array_mut().into_iter().flatten() {
        if let Some((machines, ports)) = destination.as_str().and_then(|text| text.rsplit_once(':')) {
            *destination = json!(replacement(machines, ports));
        }
    }
}

/// The rules that allow what this one allows, in the opposite direction.
fn reversed(rule: &Value) -> Vec<Value> {
    let texts =
        |list: &str| rule[list].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    let pairs =
        texts("src").flat_map(|source| texts("dst").map(move |destination| (source.clone(), destination)));
    let opposite = pairs.filter_map(|(source, destination)| {
        let (machines, ports) = destination.rsplit_once(':')?;
        Some(json!({ "src": [machines], "dst": [format!("{source}:{ports}")] }))
    });
    opposite.collect()
}

fn add_earlier(request: &mut ProxyRequest, state: &mut ProxyState) -> Option<ProxyResponse> {
    change(request, |rules| {
        if let Some(Value::Array(earlier)) = state.notes.get(RULES) {
            rules.extend(earlier.iter().cloned());
        }
        state.notes.insert(RULES.to_owned(), json!(rules));
    })
}

fn keep_first(request: &mut ProxyRequest, state: &mut ProxyState) -> Option<ProxyResponse> {
    change(request, |rules| {
        let first = state.notes.entry(RULES.to_owned()).or_insert_with(|| json!(rules));
        *rules = first.as_array().cloned().unwrap_or_default();
    })
}
