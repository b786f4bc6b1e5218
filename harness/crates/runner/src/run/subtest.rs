//! Runs one sub-test from setup to cleanup.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use futures::FutureExt as _;

use crate::exchange::Clients;
use crate::run::events::Events;
use crate::run::ledger::Ledger;
use crate::run::repeat::shell_variable;
use crate::run::setting::RunSettings;
use crate::run::stop::Stop;
use crate::run::walk::Walk;
use crate::run::{cleanup, name, preparation};
use crate::step::chance::Chance;
use crate::step::{Stage, StepError};
use harness_model::bindings::Bindings;
use harness_model::event::{CleanupFailed, Event, Fault, SubtestFinished, SubtestStarted, SubtestVerdict};
use harness_model::judge::Tally;
use harness_model::plan::{Disposition, PlannedSubtest};
use harness_model::scenario::model::IDENTITIES;
use harness_model::scenario::model::{Action, Authorisation, Capability, Identity, Scenario};
use harness_model::secret::Secrets;

/// Cleanup has its own time limit, as it also runs after the sub-test's has been reached.
const CLEANUP_LIMIT: Duration = Duration::from_secs(20);

struct End {
    verdict: SubtestVerdict,
    reason: Option<String>,
    fault: Option<Fault>,
}

/// Runs the sub-test, or reports why it is skipped.
pub(super) async fn run(
    setting: &RunSettings,
    planned: &PlannedSubtest,
    subtest: usize,
    stop: Stop,
    events: &Events,
) {
    let begun = Instant::now();
    let id = planned.scenario.id.clone();
    events.send(Event::SubtestStarted(SubtestStarted { subtest, id, at: SystemTime::now() }));
    let secrets = Secrets::default();
    let end = match &planned.disposition {
        Disposition::Skip(reason) => {
            End { verdict: SubtestVerdict::Skip, reason: Some(reason.clone()), fault: None }
        }
        Disposition::Run => match set_up(setting, &planned.scenario, subtest, &secrets).await {
            Ok((stage, prefix)) => {
                run_on_stage(setting, planned, subtest, stop, events, &secrets, stage, &prefix).await
            }
            Err(error) => End::error(error.fault(), error.to_string()),
        },
    };
    events.send(Event::SubtestFinished(SubtestFinished {
        subtest,
        verdict: end.verdict,
        reason: end.reason.map(|reason| secrets.conceal(&reason)),
        fault: end.fault,
        took: begun.elapsed(),
    }));
}

/// Creates everything that a sub-test needs except its machines.
async fn set_up(
    setting: &RunSettings,
    scenario: &Scenario,
    subtest: usize,
    secrets: &Secrets,
) -> Result<(Stage, String), StepError> {
    let environment =
        Arc::clone(&setting.target).environment(scenario.needs.contains(&Capability::Tun)).await?;
    // On a private control plane names need no prefix, and tables look as documented.
    let prefix = match environment.is_private() {
        true => String::new(),
        false => name::prefix(&setting.id, subtest),
    };
    let mut bindings = Bindings::new(&Chance);
    bindings.set_built_in("org", environment.org());
    if let Some(other) = environment.other_org() {
        bindings.set_built_in("other_org", other);
    }
    bindings.set_built_in("base_url", environment.base_url().as_str().trim_end_matches('/'));
    bindings.set_built_in("run", prefix.as_str());
    bindings.set_built_in("address", environment.address());
    for (identity, name) in IDENTITIES {
        let variable = format!("token.{name}");
        let is_named = scenario.variables.contains(&variable);
        if is_named || acts_as(scenario, identity) {
            let token = environment.token(identity).await?;
            secrets.learn(&token, shell_variable(identity));
            if is_named {
                bindings.set_built_in(&variable, token);
            }
        }
    }
    let clients = Clients::new(environment.client_settings().clone());
    Ok((
        Stage {
            environment: Arc::new(environment),
            clients,
            machines: BTreeMap::new(),
            peers: BTreeMap::new(),
            bindings,
        },
        prefix,
    ))
}

#[allow(clippy::too_many_arguments, reason = "called once; a struct for it would only repeat the names")]
async fn run_on_stage(
    setting: &RunSettings,
    planned: &PlannedSubtest,
    subtest: usize,
    mut stop: Stop,
    events: &Events,
    secrets: &Secrets,
    mut stage: Stage,
    prefix: &str,
) -> End {
    let ledger = Mutex::new(Ledger::new(prefix));
    let walk = Walk { setting, planned, subtest, secrets, events, ledger: &ledger };
    let mut tally = Tally::default();
    let pace = stage.clients.pace().clone();
    let end = {
        let steps = AssertUnwindSafe(prepare_and_walk(&walk, &mut stage, &mut tally, prefix)).catch_unwind();
        tokio::select! {
            biased;
            () = stop.asked() => WalkEnd::Stopped,
            done = pace.within(setting.time_limit, steps) => match done {
                Some(Ok(Ok(()))) => WalkEnd::Complete,
                Some(Ok(Err(error))) => WalkEnd::Unprepared(error),
                Some(Err(panic)) => WalkEnd::Panicked(panic_message(&*panic)),
                None => WalkEnd::TimedOut,
            },
        }
    };
    let timed_out = matches!(end, WalkEnd::TimedOut);
    let mut end = end_of(end, tally, setting.time_limit);
    if timed_out
        && setting.target.is_shared()
        && let Some(reason) = end.reason.as_mut().filter(|_| end.fault.is_some())
    {
        reason.push_str("\nif the target needs more time, raise timeouts.subtest in its profile");
    }
    let clean = async {
        walk.cleanup(&mut stage).await;
        stop_machines(&mut stage).await;
        cleanup::revoke(&mut stage, &ledger).await
    };
    let clean = AssertUnwindSafe(clean).catch_unwind();
    let problem = tokio::select! {
        () = stop.asked_twice() => Some("cleanup was interrupted"),
        done = pace.within(CLEANUP_LIMIT, clean) => match done {
            Some(Ok(problems)) => {
                for message in problems {
                    events.send(Event::CleanupFailed(CleanupFailed { subtest, message: secrets.conceal(&message) }));
                }
                None
            }
            Some(Err(_)) => Some("the kit panicked during cleanup"),
            None => Some("cleanup timed out"),
        },
    };
    if let Some(problem) = problem {
        let left = cleanup::left(&ledger);
        let left = if left.is_empty() {
            String::new()
        } else {
            format!("; left on the target: {}", left.join(", "))
        };
        events.send(Event::CleanupFailed(CleanupFailed { subtest, message: format!("{problem}{left}") }));
    }
    tear_down(stage, &machines_folder(&setting.folder, subtest)).await;
    end
}

/// How a walk ended.
enum WalkEnd {
    Complete,
    Unprepared(StepError),
    Panicked(String),
    TimedOut,
    Stopped,
}

async fn prepare_and_walk(
    walk: &Walk<'_>,
    stage: &mut Stage,
    tally: &mut Tally,
    prefix: &str,
) -> Result<(), StepError> {
    let folder = machines_folder(&walk.setting.folder, walk.subtest);
    tally.step = "preparing the machines".to_owned();
    let environment = Arc::clone(&stage.environment);
    let declared = &walk.planned.scenario.machines;
    stage.peers = preparation::peers(declared, &environment, prefix)?;
    preparation::prepare(declared, &environment, prefix, &folder, &mut stage.machines).await?;
    walk.steps(stage, tally).await;
    Ok(())
}

fn end_of(walk_end: WalkEnd, tally: Tally, limit: Duration) -> End {
    match walk_end {
        WalkEnd::Panicked(message) => {
            End::error(Fault::Kit, format!("the kit panicked in “{}”: {message}", tally.step))
        }
        WalkEnd::Stopped => End::error(Fault::Interruption, format!("interrupted in “{}”", tally.step)),
        WalkEnd::Unprepared(error) => End::error(error.fault(), error.to_string()),
        WalkEnd::TimedOut if tally.failure.is_none() => {
            End::error(Fault::Environment, format!("timed out after {limit:?} in “{}”", tally.step))
        }
        WalkEnd::TimedOut | WalkEnd::Complete => {
            let (verdict, fault, reason) = tally.verdict();
            End { verdict, reason, fault }
        }
    }
}

impl End {
    fn error(fault: Fault, reason: String) -> Self {
        Self { verdict: SubtestVerdict::Error, reason: Some(reason), fault: Some(fault) }
    }
}

/// Removes everything that the sub-test started on this host: processes, folder and control plane.
async fn tear_down(mut stage: Stage, folder: &Path) {
    stop_machines(&mut stage).await;
    let Stage { environment, clients, machines, peers, bindings: _ } = stage;
    drop((clients, machines, peers));
    if let Some(environment) = Arc::into_inner(environment) {
        environment.close().await;
    }
    // Anything that remains is removed with the run's folder.
    let _ = std::fs::remove_dir_all(folder);
}

async fn stop_machines(stage: &mut Stage) {
    futures::future::join_all(stage.machines.values_mut().map(|machine| machine.stop())).await;
}

fn machines_folder(folder: &Path, subtest: usize) -> std::path::PathBuf {
    folder.join(subtest.to_string())
}

fn acts_as(scenario: &Scenario, identity: Identity) -> bool {
    let logs_in = scenario.machines.iter().any(|machine| machine.login == Some(identity));
    logs_in
        || scenario.steps.iter().chain(&scenario.cleanup).any(|step| match &step.action {
            Action::Http(request) => {
                matches!(request.authorisation, Authorisation::Identity(acting) if acting == identity)
            }
            _ => false,
        })
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_attribute_the_fault_correctly() {
        let failure = || Some("wrong".to_owned());
        let error = |fault| Some((fault, "unjudged".to_owned()));
        let tally = |failure, error| Tally { failure, error, waived: None, step: "a step".to_owned() };
        let cases = [
            (WalkEnd::Complete, tally(None, None), SubtestVerdict::Pass, None),
            (WalkEnd::Complete, tally(failure(), None), SubtestVerdict::Fail, None),
            (WalkEnd::Complete, tally(failure(), error(Fault::Environment)), SubtestVerdict::Fail, None),
            (WalkEnd::Complete, tally(None, error(Fault::Kit)), SubtestVerdict::Error, Some(Fault::Kit)),
            (WalkEnd::TimedOut, tally(None, None), SubtestVerdict::Error, Some(Fault::Environment)),
            (WalkEnd::TimedOut, tally(failure(), None), SubtestVerdict::Fail, None),
            (WalkEnd::Stopped, tally(failure(), None), SubtestVerdict::Error, Some(Fault::Interruption)),
            (
                WalkEnd::Panicked("x".to_owned()),
                tally(failure(), None),
                SubtestVerdict::Error,
                Some(Fault::Kit),
            ),
            (
                WalkEnd::Unprepared(StepError::Machine("m".to_owned())),
                tally(None, None),
                SubtestVerdict::Error,
                Some(Fault::Kit),
            ),
        ];
        for (walk_end, tally, verdict, fault) in cases {
            let waived = Tally { waived: failure(), ..tally.clone() };
            let case = format!("{tally:?}");
            let end = end_of(walk_end, tally, Duration::from_secs(1));
            assert_eq!((end.verdict, end.fault), (verdict, fault), "{case}");
            assert_eq!(end.reason.is_none(), verdict == SubtestVerdict::Pass, "{case}");
            if verdict == SubtestVerdict::Pass {
                let end = end_of(WalkEnd::Complete, waived, Duration::from_secs(1));
                assert_eq!((end.verdict, end.reason), (SubtestVerdict::Waived, failure()), "{case}");
            }
        }
    }
}
