//! Decides whether a target can run a sub-test.

use std::collections::{BTreeMap, BTreeSet};

use crate::requirement::Registry;
use crate::scenario::model::{Capability, Identity, Scenario, identity_name};
use crate::scenario::sessions::sessions;
use crate::scenario::undocumented::Undocumented;
use crate::target::RefusalPointers;

use super::selection::Waits;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    Run,
    Skip(String),
}

/// The properties of a target that a plan depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFacts {
    /// The name in skip reasons.
    pub name: String,
    pub capabilities: BTreeSet<Capability>,
    /// Capabilities unavailable in the kit's environment, with the reason.
    pub lacking: BTreeMap<Capability, String>,
    pub is_reference: bool,
    /// The identities without a session.
    pub missing_sessions: BTreeSet<Identity>,
    /// The undocumented endpoints that it lacks.
    pub absent: BTreeSet<Undocumented>,
    pub refusal: RefusalPointers,
}

/// Decides whether a sub-test runs on a target.
pub(super) fn disposition(
    scenario: &Scenario,
    registry: &Registry,
    waits: Waits,
    target: &TargetFacts,
) -> Disposition {
    if let Some(skip) = &scenario.skip {
        return Disposition::Skip(skip.reason.clone());
    }
    let unmet = [
        unmet_needs(scenario, target),
        unmet_wait(scenario, waits, target),
        unmet_sessions(scenario, registry, target),
    ];
    let lacking: Vec<String> = unmet.into_iter().flatten().collect();
    if !lacking.is_empty() {
        return Disposition::Skip(lacking.join("; "));
    }
    let mut checks = scenario.steps.iter().flat_map(|step| &step.checks).peekable();
    let judges_only_ours =
        checks.peek().is_some() && checks.all(|check| check.verifies.iter().all(|id| registry.is_ours(id)));
    if judges_only_ours && !target.is_reference {
        let reason =
            format!("judges only choices of the reference, and {} is another implementation", target.name);
        return Disposition::Skip(reason);
    }
    Disposition::Run
}

/// Returns why the target cannot run the sub-test, if it lacks capabilities.
fn unmet_needs(scenario: &Scenario, target: &TargetFacts) -> Option<String> {
    let missing = || scenario.needs.iter().filter(|need| !target.capabilities.contains(need));
    let explained = missing().filter_map(|need| target.lacking.get(need)).map(|why| format!("needs {why}"));
    let undeclared: Vec<&str> = missing()
        .filter(|need| !target.lacking.contains_key(need))
        .map(|need| describe_need(*need))
        .collect();
    let undeclared = (!undeclared.is_empty())
        .then(|| format!("needs {}, which {} does not declare", undeclared.join(" and "), target.name));
    let reasons: Vec<String> = undeclared.into_iter().chain(explained).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// Returns why the sub-test does not wait, if the target has no clock that spares it the wait.
fn unmet_wait(scenario: &Scenario, waits: Waits, target: &TargetFacts) -> Option<String> {
    let duration = scenario.waits.filter(|_| !target.capabilities.contains(&Capability::Clock))?;
    let flag = match waits {
        Waits::Never => "left out by --no-waits",
        Waits::Short if scenario.waits_long() => "only done with --long-waits",
        Waits::Short | Waits::Long => return None,
    };
    let (clock, duration) = (describe_need(Capability::Clock), humantime::format_duration(duration));
    Some(format!("needs {clock}, which {} does not declare, or a wait of {duration}, {flag}", target.name))
}

/// Returns which sessions the sub-test needs that the target lacks, if any.
fn unmet_sessions(scenario: &Scenario, registry: &Registry, target: &TargetFacts) -> Option<String> {
    let needed = sessions(scenario, registry, target.is_reference);
    let missing: Vec<String> = needed
        .intersection(&target.missing_sessions)
        .map(|identity| format!("`{}`", identity_name(*identity)))
        .collect();
    let noun = if missing.len() == 1 { "a session of" } else { "sessions of" };
    (!missing.is_empty())
        .then(|| format!("needs {noun} {}, which {} lacks", missing.join(" and "), target.name))
}

/// Describes a capability in a skip reason.
fn describe_need(capability: Capability) -> &'static str {
    match capability {
        Capability::Agent => "an agent to run",
        Capability::Installer => "an installer, with sh and curl to run it",
        Capability::Clock => "a clock that can be advanced",
        Capability::Heartbeat => "heartbeats with a machine credential",
        Capability::Organisations => "a second organisation",
        Capability::Addresses => "several source addresses",
        Capability::Cidr => "the source address that the target sees",
        Capability::Dashboard => "the dashboard",
        Capability::Wire => "WireGuard packets",
        Capability::Tun => "a TUN device",
        Capability::ClaimTags => "words with which the agent claims tags",
        Capability::HostName => "a host name for each machine",
        Capability::AccessRules => {
            "access rules, and words with which the agent serves a port and connects to one"
        }
        Capability::Fresh => "an empty target for each sub-test",
        Capability::Quota => "an organisation with a machine limit",
        Capability::Ansible => "Ansible",
        Capability::Actions => "act",
        Capability::CloudInit => "cloud-init",
        Capability::Docker => "a container engine",
        Capability::Terraform => "Terraform with the target's provider",
    }
}
