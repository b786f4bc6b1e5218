//! Checks the target of a profile, and lists what the profile leaves out.

use std::path::Path;
use std::sync::Arc;

use harness_model::library::Library;
use harness_model::plan::{Disposition, Plan, Selection};
use harness_model::scenario::model::{Capability, Identity, Scenario, identity_name};
use harness_model::scenario::sessions::sessions;
use harness_model::scenario::undocumented::{Undocumented, used_by};
use harness_model::text::{counted, plural};
use harness_runner::run::{new_id, preflight_key};
use harness_runner::targets::remote::Remote;
use harness_runner::targets::{Finding, PreflightScope, ProfileNeeds, State, Target as _};

use crate::cli::error::CliError;
use crate::cli::run::build_plan;

/// Examines everything that a run of all sub-tests would need.
///
/// # Errors
/// There are no sub-tests.
pub(super) async fn examine(
    target: &Arc<Remote>,
    profile: &Path,
    library: &Library,
) -> Result<Vec<Finding>, CliError> {
    let plan = build_plan(&Selection::default(), library, target.as_ref())?;
    let needs = ProfileNeeds::of(&plan, &library.registry);
    let mut findings = target.examine(&PreflightScope { needs, key_name: preflight_key(&new_id()) }).await;
    findings.extend(approval(target, &plan, profile));
    if !findings.iter().any(|finding| matches!(finding.state, State::Wrong { .. })) {
        Arc::clone(target).probe().await;
    }
    let description = target.description();
    let foreign = |scenario: &&Arc<Scenario>| scenario.skip.is_none();
    let has_organisations = description.capabilities.contains(&Capability::Organisations);
    // An outsider is part of what the capability `organisations` needs.
    let missing = description.missing_sessions.into_iter();
    for identity in missing.filter(|identity| has_organisations || *identity != Identity::Outsider) {
        let needs = |scenario: &&Arc<Scenario>| {
            sessions(scenario, &library.registry, description.reference).contains(&identity)
        };
        findings
            .extend(absent_session(identity, library.scenarios.iter().filter(foreign).filter(needs).count()));
    }
    let lacking = target.lacking();
    for capability in Capability::all().filter(|known| !description.capabilities.contains(known)) {
        let needs = |scenario: &&Arc<Scenario>| scenario.needs.contains(&capability);
        let subtests = library.scenarios.iter().filter(foreign).filter(needs).count();
        findings.extend(absent_capability(
            capability,
            subtests,
            lacking.get(&capability).map(String::as_str),
        ));
    }
    findings.extend(description.absent.iter().map(|absent| absent_endpoint(*absent, library)));
    findings.push(conclusion(&plan, profile, &findings));
    Ok(findings)
}

/// A run with sub-tests that log in is refused without a hook that approves logins.
fn approval(target: &Remote, plan: &Plan, profile: &Path) -> Option<Finding> {
    let mut running = plan.subtests.iter().filter(|planned| planned.disposition == Disposition::Run);
    let subject = "device logins".to_owned();
    if !running.any(|planned| planned.scenario.logs_in()) {
        return None;
    }
    let state = if target.can_approve_logins() {
        State::Right("hooks.approve is set".to_owned())
    } else {
        State::Wrong {
            key: "hooks.approve".to_owned(),
            problem: "sub-tests log agents in, and nobody approves it: hooks.approve is not set".to_owned(),
            remedy: format!("add it to {}, or remove [agent]", profile.display()),
        }
    };
    Some(Finding { subject, state })
}

fn absent_session(identity: Identity, subtests: usize) -> Option<Finding> {
    let name = identity_name(identity);
    let state = skipped(subtests, &format!("set tokens.{name}"))?;
    Some(Finding { subject: format!("session of `{name}`"), state })
}

/// Returns the state of a capability that a run would not have; `lacking` is what keeps it from a target whose profile has
/// all that it needs.
fn absent_capability(capability: Capability, subtests: usize, lacking: Option<&str>) -> Option<Finding> {
    let subject = format!("capability `{}`", capability.name());
    if let Some(why) = lacking {
        let are = plural(subtests, "is", "are");
        let reason = format!("it needs {why}, so {} {are} skipped", counted(subtests, "sub-test"));
        return (subtests > 0).then_some(Finding { subject, state: State::Open { reason, remedy: None } });
    }
    let remedy = match capability {
        Capability::Agent | Capability::HostName => "add [agent] with its command",
        Capability::Clock => "set hooks.clock",
        Capability::Organisations => "set other_org_id and tokens.outsider",
        Capability::Cidr => "set address to the address from which the target sees the kit",
        Capability::ClaimTags => "set agent.words.claim_tags",
        Capability::AccessRules => {
            "set agent.words.serve and agent.words.connect, and add it to `capabilities`"
        }
        Capability::Quota => "add [quota] with an organisation that may have a few machines only",
        Capability::Terraform => "install Terraform, and set terraform.provider",
        // The tools are installed: their recipes roll the agent out with the target's installer.
        Capability::Ansible | Capability::Actions | Capability::CloudInit | Capability::Docker => {
            "add `installer` to `capabilities` if the target has it"
        }
        Capability::Fresh => "set hooks.reset, and add it to `capabilities`",
        Capability::Installer
        | Capability::Heartbeat
        | Capability::Addresses
        | Capability::Dashboard
        | Capability::Wire
        | Capability::Tun => "add it to `capabilities` if the target has it",
    };
    let state = skipped(subtests, remedy)?;
    Some(Finding { subject, state })
}

/// What needs it is not judged, which is no mistake of the profile.
fn absent_endpoint(absent: Undocumented, library: &Library) -> Finding {
    let uses = |scenario: &&Arc<Scenario>| scenario.steps.iter().any(|step| used_by(step).contains(&absent));
    let subtests = counted(library.scenarios.iter().filter(uses).count(), "sub-test");
    let elsewhere = match absent.path() {
        Some(_) => format!("; if the target has it elsewhere, set paths.{}", absent.name()),
        None => String::new(),
    };
    let reason = format!("the target lacks it, what needs it is not judged in {subtests}{elsewhere}");
    Finding { subject: absent.describe().to_owned(), state: State::Open { reason, remedy: None } }
}

/// Returns the state of something optional that the profile leaves out; `None` if no sub-test needs it.
fn skipped(subtests: usize, remedy: &str) -> Option<State> {
    let are = plural(subtests, "is", "are");
    (subtests > 0).then(|| State::Open {
        reason: format!("not in the profile, {} {are} skipped; {remedy}", counted(subtests, "sub-test")),
        remedy: None,
    })
}

fn conclusion(plan: &Plan, profile: &Path, findings: &[Finding]) -> Finding {
    let running = plan.subtests.iter().filter(|planned| planned.disposition == Disposition::Run).count();
    let can_run = format!("{running} of {} can run", counted(plan.subtests.len(), "sub-test"));
    let wrong = findings.iter().filter(|finding| matches!(finding.state, State::Wrong { .. })).count();
    let state = match wrong {
        0 => State::Right(format!("{can_run}: harness --target {}", profile.display())),
        _ => State::Open {
            reason: format!(
                "none can run before {} solved",
                if wrong == 1 { "that is" } else { "these problems are" }
            ),
            remedy: None,
        },
    };
    Finding { subject: "run".to_owned(), state }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_lacks_is_not_blamed_on_the_profile() {
        let missing = "ansible-playbook, which is not installed (pip install ansible-core)";
        let in_profile = "add `installer` to `capabilities` if the target has it";
        for (capability, lacking, expected) in [
            (Capability::Ansible, Some(missing), format!("it needs {missing}, so 2 sub-tests are skipped")),
            (Capability::Ansible, None, format!("not in the profile, 2 sub-tests are skipped; {in_profile}")),
            (
                Capability::HostName,
                None,
                "not in the profile, 2 sub-tests are skipped; add [agent] with its command".to_owned(),
            ),
        ] {
            let found = absent_capability(capability, 2, lacking).unwrap();
            let State::Open { reason, .. } = found.state else { panic!("{found:?}") };
            assert_eq!(reason, expected);
        }
        assert!(absent_capability(Capability::Ansible, 0, Some(missing)).is_none());
    }
}
