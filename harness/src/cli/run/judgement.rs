//! Runs a plan, or records for every sub-test why it could not be run.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::cli::console::Console;
use harness_model::event::{
    Event, Fault, Finished, Listener, RunEnd, Settled, SubtestFinished, SubtestVerdict,
};
use harness_model::plan::{Disposition, Plan};
use harness_runner::run::{self, RunSettings, Stop};
use harness_runner::targets::TargetError;

/// Runs the plan.
pub(super) async fn judge(
    setting: Arc<RunSettings>,
    plan: Arc<Plan>,
    stop: Stop,
    terminal: &mut dyn Listener,
    silent: &mut Listeners<'_>,
) {
    run::run(setting, plan, SystemTime::now(), stop, &mut Listeners(vec![terminal, silent])).await;
}

/// Prints why the target cannot be judged, once, and records it for every sub-test.
pub(super) fn give_up(
    setting: &RunSettings,
    plan: &Arc<Plan>,
    at: SystemTime,
    error: &TargetError,
    silent: &mut Listeners<'_>,
    console: &Console,
) {
    console.report_target(error);
    silent.on_event(&Event::Started { plan: Arc::clone(plan), target: setting.target.description(), at });
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

/// Forwards events to several listeners.
pub(super) struct Listeners<'a>(pub(super) Vec<&'a mut dyn Listener>);

impl Listener for Listeners<'_> {
    fn on_event(&mut self, event: &Event) {
        self.0.iter_mut().for_each(|listener| listener.on_event(event));
    }
}
