//! Decides a target's capabilities from what its profile declares and provides.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use reqwest::Url;

use harness_model::scenario::model::{Capability, Identity, Span};
use harness_model::scenario::vocabulary::CAPABILITIES;
use harness_model::source::document::{Diagnostics, SpannedText, Table};
use harness_model::source::spelling::help_for;

use super::content::{Content, TokenSource, token_key};

/// Returns the declared capabilities, or those that the profile provides for if it declares none. A declared capability
/// without its settings is an error: all its checks would fail because of the profile.
pub(super) fn decide(
    file: &Table<'_, '_>,
    content: &Content,
    base_url: Option<&Url>,
    report: &mut Diagnostics,
) -> BTreeSet<Capability> {
    let requirements = requirements(content, base_url);
    let Some(declared) = file.get("capabilities") else {
        // Whether the agent can create a TUN device, whether a reset leaves nothing, and what form access rules have, only the
        // profile's author knows.
        let must_be_declared = [Capability::Tun, Capability::Fresh, Capability::AccessRules];
        let given =
            requirements.iter().filter(|needs| needs.is_met && !must_be_declared.contains(&needs.capability));
        let installer = content.installer.as_ref().map(|_| Capability::Installer);
        return given.map(|needs| needs.capability).chain(installer).collect();
    };
    // What depends on the kit's host is not for a profile to say.
    let of_host = [
        Capability::HostName,
        Capability::Ansible,
        Capability::Actions,
        Capability::CloudInit,
        Capability::Docker,
    ];
    let known = || CAPABILITIES.iter().filter(|(_, capability)| !of_host.contains(capability));
    let names: Vec<&str> = known().map(|(name, _)| *name).collect();
    let mut decided = BTreeSet::new();
    // A wrong type has been reported already.
    for SpannedText { text: name, span } in declared.strings(&mut Diagnostics::new(report.path())) {
        let Some((_, capability)) = known().find(|(known, _)| *known == name) else {
            let message = format!("unknown capability `{name}`");
            report.error_with_help(span, message, help_for(name, &names));
            continue;
        };
        if let Some(missing) =
            requirements.iter().find(|needs| needs.capability == *capability && !needs.is_met)
        {
            let what = missing.settings;
            report.error_with_help(
                span,
                format!("`{name}` requires {what}, which the profile lacks"),
                "add it, or remove the capability",
            );
        }
        decided.insert(*capability);
    }
    decided
}

/// Warns of settings that will keep sub-tests from running to their end.
pub(super) fn warn(
    content: &Content,
    capabilities: &BTreeSet<Capability>,
    locations: &BTreeMap<String, Span>,
    report: &mut Diagnostics,
) {
    if capabilities.contains(&Capability::Agent) && content.hooks.approve.is_none() {
        report.warning(
            locations.get("agent.command").cloned().unwrap_or_default(),
            "the agent cannot log in: a run with sub-tests that log in is refused".to_owned(),
            "set hooks.approve, or exclude those sub-tests with --filter, or remove [agent]",
        );
    }
    if !capabilities.contains(&Capability::Clock) {
        return;
    }
    for (identity, source) in &content.tokens {
        let key = token_key(*identity);
        if matches!(source, TokenSource::Env(_) | TokenSource::Inline(_) | TokenSource::File(_)) {
            report.warning(
                locations.get(&key).cloned().unwrap_or_default(),
                format!("sub-tests advance the clock by months, after which {key} has expired and cannot be renewed"),
                "use { login = { email = \"…\", password_env = \"VARIABLE\" } } or { command = \"…\" } instead",
            );
        }
    }
}

/// The settings that a capability requires of a profile.
struct Requirement {
    capability: Capability,
    /// Whether the profile has them.
    is_met: bool,
    settings: &'static str,
}

fn requirements(content: &Content, base_url: Option<&Url>) -> [Requirement; 11] {
    let has_agent = content.agent.is_some();
    let words = content.agent.as_ref().map(|agent| &agent.words);
    let connects = words.is_some_and(|words| words.serve.is_some() && words.connect.is_some());
    let claims_tags = words.is_some_and(|words| words.claim_tags.is_some());
    let outsider = content.other_org_id.is_some() && content.tokens.contains_key(&Identity::Outsider);
    // An invalid base URL has been reported already.
    let address_is_known = content.address.is_some() || base_url.is_none_or(is_loopback);
    let requirement = |capability, is_met, settings| Requirement { capability, is_met, settings };
    [
        requirement(Capability::Agent, has_agent, "an [agent] with its command"),
        requirement(Capability::ClaimTags, claims_tags, "agent.words.claim_tags"),
        requirement(Capability::AccessRules, connects, "agent.words.serve and agent.words.connect"),
        requirement(Capability::Tun, has_agent, "an [agent] with its command"),
        requirement(Capability::Clock, content.hooks.clock.is_some(), "hooks.clock"),
        requirement(Capability::Dashboard, content.dashboard.is_some(), "a [dashboard], which may be empty"),
        requirement(Capability::Fresh, content.hooks.reset.is_some(), "hooks.reset"),
        requirement(
            Capability::Quota,
            content.quota.is_some(),
            "a [quota] with an organisation, its limit and a token",
        ),
        requirement(Capability::Terraform, content.terraform.is_some(), "a [terraform] with its provider"),
        requirement(Capability::Organisations, outsider, "other_org_id and tokens.outsider"),
        requirement(Capability::Cidr, address_is_known, "the `address` from which the target sees the kit"),
    ]
}

/// On loopback no address is translated: the target sees the kit's own.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
