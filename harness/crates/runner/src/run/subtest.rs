//! One sub-test from beginning to end.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::FutureExt as _;

use crate::exchange::Clients;
use crate::run::events::Events;
use crate::run::ledger::Ledger;
use crate::run::repeat::shell_variable;
use crate::run::setting::Setting;
use crate::run::stop::Stop;
use crate::run::walk::Walk;
use crate::run::{cleanup, name, preparation};
use crate::step::chance::Chance;
use crate::step::{Stage, StepError};
use harness_model::bindings::Bindings;
use harness_model::event::{Event, Fault, SubtestVerdict};
use harness_model::judge::Tally;
use harness_model::plan::{Disposition, PlannedSubtest};
use harness_model::scenario::model::IDENTITIES;
use harness_model::scenario::model::{Action, Authorisation, Capability, Identity, Scenario};
use harness_model::secret::Secrets;

/// Cleanup has a limit of its own: it runs when the time of the sub-test is over, too.
const CLEANUP_LIMIT: Duration = Duration::from_secs(20);

/// How a sub-test ended.
struct End {
    verdict: SubtestVerdict,
    reason: Option<String>,
    fault: Option<Fault>,
}

/// Runs it, or tells why not.
pub(super) async fn run(
    setting: &Setting,
    planned: &PlannedSubtest,
    subtest: usize,
    stop: Stop,
    events: &Events,
) {
    let begun = Instant::now();
    events.tell(Event::SubtestStarted { subtest });
    let secrets = Secrets::default();
    let end = match &planned.disposition {
        Disposition::Skip(reason) => {
            End { verdict: SubtestVerdict::Skip, reason: Some(reason.clone()), fault: None }
        }
        Disposition::Run => match set_up(setting, &planned.scenario, subtest, &secrets).await {
            Ok((stage, prefix)) => {
                on_stage(setting, planned, subtest, stop, events, &secrets, stage, &prefix).await
            }
            Err(error) => End::error(error.fault(), error.to_string()),
        },
    };
    events.tell(Event::SubtestFinished {
        subtest,
        verdict: end.verdict,
        reason: end.reason.map(|reason| secrets.conceal(&reason)),
        fault: end.fault,
        took: begun.elapsed(),
    });
}

/// Everything that a sub-test needs before its machines.
async fn set_up(
    setting: &Setting,
    scenario: &Scenario,
    subtest: usize,
    secrets: &Secrets,
) -> Result<(Stage, String), StepError> {
    let place = Arc::clone(&setting.target).environment(scenario.needs.contains(&Capability::Tun)).await?;
    // A control plane of its own needs no names of its own, and then tables look as documented.
    let prefix = match place.is_private() {
        true => String::new(),
        false => name::prefix(&setting.id, subtest),
    };
    let mut bindings = Bindings::new(&Chance);
    bindings.set_built_in("org", place.org());
    if let Some(other) = place.other_org() {
        bindings.set_built_in("other_org", other);
    }
    bindings.set_built_in("base_url", place.base_url().as_str().trim_end_matches('/'));
    bindings.set_built_in("run", prefix.as_str());
    bindings.set_built_in("address", place.address());
    for (identity, name) in IDENTITIES {
        let variable = format!("token.{name}");
        let is_named = scenario.source.text.contains(&format!("${{{variable}}}"));
        if is_named || acts(scenario, identity) {
            let token = place.token(identity).await?;
            secrets.learn(&token, shell_variable(identity));
            if is_named {
                bindings.set_built_in(&variable, token);
            }
        }
    }
    let clients = Clients::new(place.client_settings().clone());
    Ok((
        Stage {
            place: Arc::new(place),
            clients,
            machines: BTreeMap::new(),
            peers: BTreeMap::new(),
            bindings,
        },
        prefix,
    ))
}

#[allow(clippy::too_many_arguments, reason = "called once; a struct for it would only repeat the names")]
async fn on_stage(
    setting: &Setting,
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
        let steps = AssertUnwindSafe(all(&walk, &mut stage, &mut tally, prefix)).catch_unwind();
        tokio::select! {
            biased;
            () = stop.asked() => Cut::Stopped,
            done = pace.within(setting.time_limit, steps) => match done {
                Some(Ok(Ok(()))) => Cut::Not,
                Some(Ok(Err(error))) => Cut::Unprepared(error),
                Some(Err(panic)) => Cut::Panicked(panic_message(&*panic)),
                None => Cut::TimedOut,
            },
        }
    };
    let timed_out = matches!(end, Cut::TimedOut);
    let mut end = judged(end, tally, setting.time_limit);
    if timed_out
        && setting.target.is_shared()
        && let Some(reason) = end.reason.as_mut().filter(|_| end.fault.is_some())
    {
        reason.push_str("; if it may take that long, raise timeouts.subtest in the target's profile");
    }
    let clean = async {
        walk.cleanup(&mut stage).await;
        stop_machines(&mut stage).await;
        cleanup::revoke(&mut stage, &ledger, secrets).await
    };
    let clean = AssertUnwindSafe(clean).catch_unwind();
    let problem = tokio::select! {
        () = stop.asked_twice() => Some("cleanup was cut short"),
        done = pace.within(CLEANUP_LIMIT, clean) => match done {
            Some(Ok(problems)) => {
                for message in problems {
                    events.tell(Event::CleanupFailed { subtest, message: secrets.conceal(&message) });
                }
                None
            }
            Some(Err(_)) => Some("the kit panicked while it cleaned up"),
            None => Some("cleanup did not end in time"),
        },
    };
    if let Some(problem) = problem {
        let left = cleanup::left(&ledger);
        let left = if left.is_empty() { String::new() } else { format!("; left: {}", left.join(", ")) };
        events.tell(Event::CleanupFailed { subtest, message: format!("{problem}{left}") });
    }
    leave(stage, &machines_folder(&setting.folder, subtest)).await;
    end
}

/// What kept a walk from its end.
enum Cut {
    Not,
    Unprepared(StepError),
    Panicked(String),
    TimedOut,
    Stopped,
}

async fn all(walk: &Walk<'_>, stage: &mut Stage, tally: &mut Tally, prefix: &str) -> Result<(), StepError> {
    let folder = machines_folder(&walk.setting.folder, walk.subtest);
    tally.step = "the machines are prepared".to_owned();
    let place = Arc::clone(&stage.place);
    let declared = &walk.planned.scenario.machines;
    stage.peers = preparation::peers(declared, &place, prefix)?;
    preparation::prepare(declared, &place, prefix, &folder, &mut stage.machines).await?;
    walk.steps(stage, tally).await;
    Ok(())
}

fn judged(cut: Cut, tally: Tally, limit: Duration) -> End {
    match cut {
        Cut::Panicked(message) => {
            End::error(Fault::Kit, format!("the kit panicked in “{}”: {message}", tally.step))
        }
        Cut::Stopped => End::error(Fault::Interruption, format!("interrupted in “{}”", tally.step)),
        Cut::Unprepared(error) => End::error(error.fault(), error.to_string()),
        Cut::TimedOut if tally.failure.is_none() => {
            End::error(Fault::Environment, format!("not done after {limit:?}: stuck in “{}”", tally.step))
        }
        Cut::TimedOut | Cut::Not => {
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

/// Nothing of the sub-test stays: no process, no folder, no control plane.
async fn leave(mut stage: Stage, folder: &Path) {
    stop_machines(&mut stage).await;
    let Stage { place, clients, machines, peers, bindings: _ } = stage;
    drop((clients, machines, peers));
    if let Some(place) = Arc::into_inner(place) {
        place.close().await;
    }
    // What cannot be removed goes with the run's folder.
    let _ = std::fs::remove_dir_all(folder);
}

async fn stop_machines(stage: &mut Stage) {
    futures::future::join_all(stage.machines.values_mut().map(|machine| machine.stop())).await;
}

fn machines_folder(folder: &Path, subtest: usize) -> std::path::PathBuf {
    folder.join(subtest.to_string())
}

fn acts(scenario: &Scenario, identity: Identity) -> bool {
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
    fn who_is_to_blame_is_never_mixed_up() {
        let failure = || Some("wrong".to_owned());
        let error = |fault| Some((fault, "unjudged".to_owned()));
        let tally = |failure, error| Tally { failure, error, waived: None, step: "a step".to_owned() };
        let cases = [
            (Cut::Not, tally(None, None), SubtestVerdict::Pass, None),
            (Cut::Not, tally(failure(), None), SubtestVerdict::Fail, None),
            (Cut::Not, tally(failure(), error(Fault::Environment)), SubtestVerdict::Fail, None),
            (Cut::Not, tally(None, error(Fault::Kit)), SubtestVerdict::Error, Some(Fault::Kit)),
            (Cut::TimedOut, tally(None, None), SubtestVerdict::Error, Some(Fault::Environment)),
            (Cut::TimedOut, tally(failure(), None), SubtestVerdict::Fail, None),
            (Cut::Stopped, tally(failure(), None), SubtestVerdict::Error, Some(Fault::Interruption)),
            (Cut::Panicked("x".to_owned()), tally(failure(), None), SubtestVerdict::Error, Some(Fault::Kit)),
            (
                Cut::Unprepared(StepError::Machine("m".to_owned())),
                tally(None, None),
                SubtestVerdict::Error,
                Some(Fault::Kit),
            ),
        ];
        for (cut, tally, verdict, fault) in cases {
            let waived = Tally { waived: failure(), ..tally.clone() };
            let case = format!("{tally:?}");
            let end = judged(cut, tally, Duration::from_secs(1));
            assert_eq!((end.verdict, end.fault), (verdict, fault), "{case}");
            assert_eq!(end.reason.is_none(), verdict == SubtestVerdict::Pass, "{case}");
            if verdict == SubtestVerdict::Pass {
                let end = judged(Cut::Not, waived, Duration::from_secs(1));
                assert_eq!((end.verdict, end.reason), (SubtestVerdict::Waived, failure()), "{case}");
            }
        }
    }
}
