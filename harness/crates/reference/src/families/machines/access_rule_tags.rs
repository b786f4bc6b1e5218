//! To which machines access rules apply.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::access_rules::sets_rules;
use crate::deviation::{Family, ProxyRequest, ProxyResponse, ProxyState, on_both, on_response};

const MAP: &str = "/api/network-map";
/// The key of the tags that rules name in [`ProxyState::notes`].
const NAMED: &str = "named";

pub(super) const ALL: Family = &[
    ("access-rules-go-by-name", on_both(remember, go_by_name)),
    (
        "access-rules-go-by-beginning",
        on_response(|request, response, _| {
            each_machine(request, response, |machine| {
                let tags = tags(machine);
                let beginnings = tags.iter().filter_map(|tag| Some(tag.split_once('-')?.0.to_owned()));
                machine["tags"] = json!(tags.iter().cloned().chain(beginnings).collect::<Vec<_>>());
            });
        }),
    ),
    (
        "access-rules-by-tags-at-enrolment",
        on_response(|request, response, state| {
            each_machine(request, response, |machine| {
                let first = state.notes.entry(id(machine)).or_insert_with(|| machine["tags"].clone());
                machine["tags"] = first.clone();
            });
        }),
    ),
    (
        "access-rules-for-one-machine",
        on_response(|request, response, state| {
            each_machine(request, response, |machine| {
                let id = json!(id(machine));
                let mut tags = tags(machine);
                tags.retain(|tag| *state.notes.entry(tag.clone()).or_insert_with(|| id.clone()) == id);
                machine["tags"] = json!(tags);
            });
        }),
    ),
    ("access-rules-for-later-machines", on_both(remember, spare_earlier_machines)),
    ("access-rules-for-earlier-machines", on_both(remember, spare_later_machines)),
];

/// Changes the machines of a network map.
fn each_machine(request: &ProxyRequest, response: &mut ProxyResponse, mut change: impl FnMut(&mut Value)) {
    if request.path != MAP {
        return;
    }
    let Some(data) = response.json.get_mut("data") else { return };
    data.get_mut("self").into_iter().filter(|own| own.is_object()).for_each(&mut change);
    data.get_mut("peers").and_then(Value::as_array_mut).into_iter().flatten().for_each(change);
}

fn id(machine: &Value) -> String {
    machine["id"].as_str().unwrap_or_default().to_owned()
}

fn tags(machine: &Value) -> Vec<String> {
    let tags = machine["tags"].as_array().into_iter().flatten();
    tags.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Remembers the machines from before the first rules, and the tags that rules name.
fn remember(request: &mut ProxyRequest, state: &mut ProxyState) -> Option<ProxyResponse> {
    if !sets_rules(request) {
        return None;
    }
    if state.marks.is_empty() {
        let known: Vec<String> =
            state.registrations.iter().map(|registered| registered.machine_id.clone()).collect();
        state.marks.extend(known);
    }
    let rules = request.json["rules"].as_array().into_iter().flatten();
    let named = rules.flat_map(|rule| ["src", "dst"].map(|list| rule[list].as_array()).into_iter().flatten());
    let tags = named.flatten().filter_map(|text| text.as_str()?.strip_prefix("tag:"));
    let mut named: BTreeSet<String> =
        tags.map(|tag| tag.split_once(':').map_or(tag, |(tag, _)| tag).to_owned()).collect();
    named.extend(remembered(state));
    state.notes.insert(NAMED.to_owned(), json!(named));
    None
}

/// The tags that rules have named so far.
fn remembered(state: &ProxyState) -> BTreeSet<String> {
    let named = state.notes.get(NAMED).and_then(Value::as_array).into_iter().flatten();
    named.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn go_by_name(request: &ProxyRequest, response: &mut ProxyResponse, state: &mut ProxyState) {
    let named = remembered(state);
    each_machine(request, response, |machine| {
        if machine["name"].as_str().is_some_and(|name| named.contains(name)) {
            machine["tags"] = json!([machine["name"]]);
        }
    });
}

fn spare_earlier_machines(request: &ProxyRequest, response: &mut ProxyResponse, state: &mut ProxyState) {
    let is_early = response.json["data"]["self"]["id"].as_str().is_some_and(|id| state.marks.contains(id));
    if request.path == MAP
        && is_early
        && let Some(rules) = response.json.pointer_mut("/data/access_rules")
    {
        *rules = json!([]);
    }
}

/// Gives machines that enrolled later all tags that rules name.
fn spare_later_machines(request: &ProxyRequest, response: &mut ProxyResponse, state: &mut ProxyState) {
    if state.marks.is_empty() {
        return;
    }
    let named = remembered(state);
    each_machine(request, response, |machine| {
        if !state.marks.contains(&id(machine)) {
            machine["tags"] = json!(named);
        }
    });
}
