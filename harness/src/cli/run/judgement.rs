//! Runs a plan against a target that may be unreachable.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::cli::console::Console;
use harness_model::event::{
    Event, Fault, Finished, Listener, Listeners, RunEnd, Settled, SubtestFinished, SubtestVerdict,
};
use harness_model::plan::{Disposition, Plan};
use harness_runner::run::{self, RunSettings, Stop};
use harness_runner::targets::{PreflightScope, Target, TargetError};

/// Examines the target and its profile, resets it, and asks what it lacks. Its description and facts are complete only
/// afterwards. After an interruption nothing will run, so that the target counts as ready.
pub(super) async fn make_ready(
    target: &Arc<dyn Target>,
    scope: &PreflightScope,
    mut stop: Stop,
    console: &Console,
) -> Result<(), TargetError> {
    let ready = async {
        let notes = target.preflight(scope).await?;
        console.eprint_diagnostics(&notes.diagnostics, &notes.sources);
        Arc::clone(target).probe().await;
        Ok(())
    };
    tokio::select! {
        ready = ready => ready,
        () = stop.asked() => Ok(()),
    }
}

/// Runs the plan. If the target is not ready, the error is printed once and recorded for every sub-test.
pub(super) async fn judge(
    setting: Arc<RunSettings>,
    plan: Arc<Plan>,
    ready: Result<(), TargetError>,
    stop: Stop,
    terminal: &mut dyn Listener,
    silent: &mut Listeners<'_>,
    console: &Console,
) {
    let at = SystemTime::now();
    let Err(error) = ready else {
        return run::run(setting, plan, at, stop, &mut Listeners(vec![terminal, silent])).await;
    };
    console.report_target(&error);
    silent.on_event(&Event::Started { plan: Arc::clone(&plan), target: setting.target.description(), at });
    for (subtest, planned) in (0..plan.runs()).filter_map(|run| Some((run, plan.planned(run)?))) {
        let (verdict, reason, fault) = match &planned.disposition {
            Disposition::Skip(reason) => (SubtestVerdict::Skip, reason.clone(), None),
            Disposition::Run => (SubtestVerdict::Error, error.to_string(), Some(Fault::Environment)),
        };
        let took = Duration::ZERO;
        silent.on_event(&Event::SubtestFinished(SubtestFinished {
            subtest,
            verdict,
            reason: Some(reason),
            fault,
            took,
            logs: Vec::new(),
        }));
    }
    silent.on_event(&Event::Settled(Settled {
        run_id: setting.id.clone(),
        retries: setting.target.retries(),
        leftovers: Vec::new(),
    }));
    silent.on_event(&Event::Finished(Finished {
        took: at.elapsed().unwrap_or_default(),
        end: RunEnd::Complete,
    }));
}
