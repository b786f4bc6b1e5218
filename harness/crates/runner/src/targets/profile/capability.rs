//! What a profile's target can do: what it declares, and the means that it gives for it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use reqwest::Url;

use harness_model::scenario::model::identity_name;
use harness_model::scenario::model::{Capability, Identity, Span};
use harness_model::scenario::vocabulary::CAPABILITIES;
use harness_model::source::document::{Report, Table};
use harness_model::source::spelling::help_for;

use super::content::{Content, TokenSource};

/// A declared capability must come with the means for it: otherwise its checks would all fail for the profile's
/// sake. Of one that declares nothing it is what there are means for.
pub(super) fn decide(
    file: &Table<'_, '_>,
    content: &Content,
    base_url: Option<&Url>,
    report: &mut Report,
) -> BTreeSet<Capability> {
    let means = means(content, base_url);
    let Some(declared) = file.get("capabilities") else {
        // Whether its agent has a TUN device, nobody knows but the one who wrote the profile.
        let given = means.iter().filter(|(known, given, _)| *given && *known != Capability::Tun);
        return given.map(|(capability, _, _)| *capability).collect();
    };
    let names: Vec<&str> =
        CAPABILITIES.iter().map(|(name, _)| *name).filter(|name| *name != "fresh").collect();
    let mut decided = BTreeSet::new();
    // A wrong type was reported before.
    for (name, span) in declared.strings(&mut Report::new(report.path())) {
        let Some((_, capability)) = CAPABILITIES.iter().find(|(known, _)| *known == name) else {
            let message = format!("there is no capability `{name}`");
            report.error_with_help(span, message, help_for(name, &names));
            continue;
        };
        if *capability == Capability::Fresh {
            report.error_with_help(
                span,
                "sub-tests share this target, so none of them finds it empty",
                "leave `fresh` out",
            );
            continue;
        }
        if let Some((_, _, what)) = means.iter().find(|(known, given, _)| known == capability && !given) {
            report.error_with_help(
                span,
                format!("`{name}` needs {what}, which the profile does not have"),
                "add it, or leave the capability out",
            );
        }
        decided.insert(*capability);
    }
    decided
}

/// Oddities of the whole: tokens that may not outlive the run.
pub(super) fn remark(
    content: &Content,
    capabilities: &BTreeSet<Capability>,
    places: &BTreeMap<String, Span>,
    report: &mut Report,
) {
    if capabilities.contains(&Capability::Agent) && content.hooks.approve.is_none() {
        report.warning(
            places.get("agent.command").cloned().unwrap_or_default(),
            "the agent cannot be logged in: a run of sub-tests that log in is refused".to_owned(),
            "write hooks.approve, or choose others with --filter, or leave [agent] out",
        );
    }
    if !capabilities.contains(&Capability::Clock) {
        return;
    }
    for (identity, source) in &content.tokens {
        let key = format!("tokens.{}", identity_name(*identity));
        if matches!(source, TokenSource::Env(_) | TokenSource::Inline(_) | TokenSource::File(_)) {
            report.warning(
                places.get(&key).cloned().unwrap_or_default(),
                format!("the clock is moved by months, and {key} cannot be renewed when it has expired by it"),
                "write { login = { email = \"…\", password_env = \"VARIABLE\" } } or { command = \"…\" } instead",
            );
        }
    }
}

/// Capabilities that need something of the profile, whether that is there, and what it is.
fn means(content: &Content, base_url: Option<&Url>) -> [(Capability, bool, &'static str); 5] {
    let has_agent = content.agent.is_some();
    let outsider = content.other_org_id.is_some() && content.tokens.contains_key(&Identity::Outsider);
    // Of a base URL that is wrong nothing more is said.
    let sees = content.address.is_some() || base_url.is_none_or(is_loopback);
    [
        (Capability::Agent, has_agent, "an [agent] with its command"),
        (Capability::Tun, has_agent, "an [agent] with its command"),
        (Capability::Clock, content.hooks.clock.is_some(), "hooks.clock"),
        (Capability::Organisations, outsider, "other_org_id and tokens.outsider"),
        (Capability::Cidr, sees, "the `address` that the target sees the kit at"),
    ]
}

/// There nothing translates addresses: the target sees what the kit sends from.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
