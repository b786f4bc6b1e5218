//! Runs one sub-test: sets up its stage, walks through its steps, cleans up.

mod end;
mod logs;
mod setup;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use futures::FutureExt as _;
use futures::future::join_all;
use harness_model::event::{CleanupFailed, Event, HostLog, SubtestFinished, SubtestStarted, SubtestVerdict};
use harness_model::judge::{SubtestEnd, Tally};
use harness_model::plan::{Disposition, PlannedSubtest};
use harness_model::secret::Secrets;

use crate::run::events::Events;
use crate::run::ledger::Ledger;
use crate::run::setting::RunSettings;
use crate::run::stop::Stop;
use crate::run::walk::Walk;
use crate::run::{cleanup, preparation};
use crate::slot::Slot;
use crate::step::{Stage, StepError};

use end::WalkEnd;
use setup::{Setup, set_up};

/// Cleanup has its own time limit, as it also runs after the sub-test's has been reached.
const CLEANUP_LIMIT: Duration = Duration::from_secs(20);

/// Runs the sub-test, or reports why it is skipped.
pub(super) async fn run(
    setting: &RunSettings,
    planned: &PlannedSubtest,
    subtest: usize,
    slot: Slot,
    stop: Stop,
    events: &Events,
) {
    let begun = Instant::now();
    let id = planned.scenario.id.clone();
    events.send(Event::SubtestStarted(SubtestStarted { subtest, id, at: SystemTime::now() }));
    let secrets = Secrets::default();
    let (end, logs) = match &planned.disposition {
        Disposition::Skip(reason) => {
            let reason = Some(reason.clone());
            (SubtestEnd { verdict: SubtestVerdict::Skip, fault: None, reason }, Vec::new())
        }
        Disposition::Run => match set_up(setting, planned, subtest, slot, &secrets).await {
            Ok(setup) => {
                let run = SubtestRun { setting, planned, subtest, events, secrets: &secrets };
                run.on_stage(setup, stop).await
            }
            Err(error) => (SubtestEnd::error(error.fault(), error.to_string()), Vec::new()),
        },
    };
    events.send(Event::SubtestFinished(SubtestFinished {
        subtest,
        verdict: end.verdict,
        reason: end.reason.map(|reason| secrets.conceal(&reason)),
        fault: end.fault,
        took: begun.elapsed(),
        logs,
    }));
}

/// A sub-test that is not skipped.
struct SubtestRun<'a> {
    setting: &'a RunSettings,
    planned: &'a PlannedSubtest,
    subtest: usize,
    events: &'a Events,
    secrets: &'a Secrets,
}

impl SubtestRun<'_> {
    /// Walks through the steps, cleans up, and removes everything that was started on this host.
    async fn on_stage(&self, setup: Setup, mut stop: Stop) -> (SubtestEnd, Vec<HostLog>) {
        let Setup { mut stage, prefix } = setup;
        let ledger = Mutex::new(Ledger::new(&prefix));
        let walk = Walk {
            setting: self.setting,
            planned: self.planned,
            subtest: self.subtest,
            secrets: self.secrets,
            events: self.events,
            ledger: &ledger,
        };
        let mut tally = Tally::default();
        let walk_end = self.walk(&walk, &mut stage, &mut tally, &prefix, &mut stop).await;
        let end = walk_end.judge(tally, self.setting);
        let logs = match end.verdict {
            SubtestVerdict::Fail | SubtestVerdict::Error => {
                logs::collect(&stage.environment, self.secrets).await
            }
            SubtestVerdict::Pass | SubtestVerdict::Waived | SubtestVerdict::Skip => Vec::new(),
        };
        self.clean_up(&walk, &mut stage, &mut stop).await;
        self.tear_down(stage).await;
        (end, logs)
    }

    async fn walk(
        &self,
        walk: &Walk<'_>,
        stage: &mut Stage,
        tally: &mut Tally,
        prefix: &str,
        stop: &mut Stop,
    ) -> WalkEnd {
        let pace = stage.clients.pace().clone();
        let steps = AssertUnwindSafe(self.prepare_and_walk(walk, stage, tally, prefix)).catch_unwind();
        tokio::select! {
            biased;
            () = stop.asked() => WalkEnd::Stopped,
            done = pace.within(self.setting.time_limit, steps) => match done {
                Some(Ok(Ok(()))) => WalkEnd::Complete,
                Some(Ok(Err(error))) => WalkEnd::Unprepared(error),
                Some(Err(panic)) => WalkEnd::Panicked(panic_message(&*panic)),
                None => WalkEnd::TimedOut,
            },
        }
    }

    async fn prepare_and_walk(
        &self,
        walk: &Walk<'_>,
        stage: &mut Stage,
        tally: &mut Tally,
        prefix: &str,
    ) -> Result<(), StepError> {
        tally.step = "preparing the machines".to_owned();
        let environment = Arc::clone(&stage.environment);
        let declared = &self.planned.scenario.machines;
        stage.peers = preparation::peers(declared, &environment, prefix)?;
        preparation::prepare(declared, &environment, prefix, &self.folder(), &mut stage.machines).await?;
        walk.steps(stage, tally).await;
        Ok(())
    }

    /// Executes the scenario's cleanup and removes what the sub-test has left on a shared target.
    async fn clean_up(&self, walk: &Walk<'_>, stage: &mut Stage, stop: &mut Stop) {
        let pace = stage.clients.pace().clone();
        let clean = async {
            walk.cleanup(stage).await;
            stop_machines(stage).await;
            cleanup::revoke(stage, walk.ledger, &self.setting.target.description()).await
        };
        let clean = AssertUnwindSafe(clean).catch_unwind();
        let problem = tokio::select! {
            () = stop.asked_twice() => "cleanup was interrupted",
            done = pace.within(CLEANUP_LIMIT, clean) => match done {
                Some(Ok(problems)) => {
                    problems.iter().for_each(|problem| self.report_leftover(self.secrets.conceal(problem)));
                    return;
                }
                Some(Err(_)) => "the kit panicked during cleanup",
                None => "cleanup timed out",
            },
        };
        let left = cleanup::left(walk.ledger);
        let left = if left.is_empty() {
            String::new()
        } else {
            format!("; left on the target: {}", left.join(", "))
        };
        self.report_leftover(format!("{problem}{left}"));
    }

    fn report_leftover(&self, message: String) {
        self.events.send(Event::CleanupFailed(CleanupFailed { subtest: self.subtest, message }));
    }

    /// Removes everything that the sub-test started on this host: processes, folder and control plane.
    async fn tear_down(&self, mut stage: Stage) {
        stop_machines(&mut stage).await;
        let Stage { environment, clients, machines, peers, visit, bindings: _, service, slot: _slot } = stage;
        visit.close().await;
        drop((clients, machines, peers, service));
        if let Some(environment) = Arc::into_inner(environment) {
            environment.close().await;
        }
        // Anything that remains is removed with the run's folder.
        let _ = std::fs::remove_dir_all(self.folder());
    }

    /// The folder for the state of the sub-test's machines.
    fn folder(&self) -> PathBuf {
        self.setting.folder.join(self.subtest.to_string())
    }
}

async fn stop_machines(stage: &mut Stage) {
    join_all(stage.machines.values_mut().map(|machine| machine.stop())).await;
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
