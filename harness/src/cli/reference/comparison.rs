//! Replays failed sub-tests on the reference, so that reports can show both responses.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::cli::console::Console;
use harness_model::check::snapshot::SnapshotMode;
use harness_model::event::RunEnd;
use harness_model::library::Library;
use harness_model::plan::{Selection, plan};
use harness_model::scenario::model::Scenario;
use harness_reference::embedded::Embedded;
use harness_report::replay::Replay;
use harness_report::results::Results;
use harness_runner::run::{self, Detail, RunSettings};
use harness_runner::targets::Target;

use crate::cli::signals::stop_on_signals;

/// Time limit of the replay, which affects no verdict.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Time for cleaning up after the time limit.
const CLEANUP_LIMIT: Duration = Duration::from_secs(1);

/// Adds the reference's responses to the failed steps, or the reason why there is none. Does nothing if the target is
/// the reference itself.
pub(in crate::cli) async fn compare(
    results: &mut Results,
    library: &Library,
    jobs: usize,
    folder: &Path,
    console: &Console,
) {
    let is_plain = results.target.reference && results.target.deviating.is_none();
    let mut replay = Replay::of(results);
    let failed = replay.subtests();
    if is_plain || failed.is_empty() {
        return;
    }
    let failed: Vec<Arc<Scenario>> =
        library.scenarios.iter().filter(|scenario| failed.contains(scenario.id.as_str())).cloned().collect();
    let target: Arc<dyn Target> = Arc::new(Embedded::default());
    let Ok(plan) = plan(&failed, &library.registry, &Selection::default(), &target.facts()) else { return };
    let setting = RunSettings {
        id: run::new_id(),
        target,
        registry: Arc::new(library.registry.clone()),
        jobs,
        strict: false,
        snapshots: SnapshotMode::Compare,
        time_limit: TIME_LIMIT,
        folder: folder.join("reference"),
        browsers: Arc::default(),
        pictures: false,
        detail: Detail::AllSteps,
        evidence: None,
        turn: Default::default(),
    };
    if std::fs::create_dir_all(&setting.folder).is_err() {
        return;
    }
    let (stopper, stop) = run::stop();
    let hurrying = tokio::spawn({
        let stopper = stopper.clone();
        async move {
            tokio::time::sleep(TIME_LIMIT).await;
            stopper.ask(RunEnd::Cancelled);
            tokio::time::sleep(CLEANUP_LIMIT).await;
            stopper.ask(RunEnd::Cancelled);
        }
    });
    let signals = tokio::spawn(stop_on_signals(stopper));
    let ending = stop.clone();
    run::run(Arc::new(setting), Arc::new(plan), SystemTime::now(), stop, &mut replay).await;
    hurrying.abort();
    signals.abort();
    if ending.end().is_some() {
        console.warn(
            "the replay of failures on the reference was cut short: reports lack some of its responses",
        );
    }
    replay.attach(results);
}
