//! `harness`: runs the selected sub-tests and writes reports.

mod arguments;
mod evidence;
pub(super) mod github;
mod isolation;
mod judgement;
mod preparation;
mod reports;
mod selection;
mod target;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use harness_model::check::snapshot::SnapshotMode;
use harness_model::event::{Listener, Listeners};
use harness_model::plan::Waiting;
use harness_model::text::{counted, plural};
use harness_report::comparison::{Comparison, text};
use harness_report::destination::Destination;
use harness_report::diagnosis::catalogue::Catalogue;
use harness_report::diagnosis::diagnose;
use harness_report::diagnosis::matrix::Matrix;
use harness_report::diagnosis::observed::Observed;
use harness_report::exit_code::{ExitCode, Verdict};
use harness_report::record::Record;
use harness_report::results::Results;
use harness_report::terminal::{Paint, ProcessEnd, Terminal};
use harness_runner::run::{self, Detail, RunSettings};
use harness_runner::targets::PreflightScope;

use super::console::Console;
use super::error::CliError;
use super::signals::stop_on_signals;
use super::{browser, diff, names, reference};
pub(super) use arguments::{Arguments, ReviewArguments, jobs};
use judgement::{judge, make_ready};
use preparation::{Prepared, prepare};
pub(super) use reports::{verify_empty, write_reports};
pub(super) use selection::build_plan;
pub(super) use target::remote;

const TIME_LIMIT: Duration = Duration::from_secs(60);

pub(super) async fn run(
    arguments: Arguments,
    scenarios: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, CliError> {
    let Prepared { baseline, loaded, target, selection, needs, destinations, mut evidence } =
        prepare(&arguments, scenarios, console).await?;
    let folder = tempfile::Builder::new().prefix("qz-").tempdir().map_err(CliError::TemporaryFolder)?;
    let registry = Arc::new(loaded.library.registry.clone());
    let (stopper, stop) = run::stop();
    let signals = tokio::spawn(stop_on_signals(stopper));
    let id = run::new_id();
    let scope = PreflightScope { needs, key_name: run::preflight_key(&id) };
    let ready = make_ready(&target, &scope, stop.clone(), console).await;
    let plan = build_plan(&selection, &loaded.library, target.as_ref())?;
    selection.filter.iter().for_each(|filter| names::warn_of_idle_terms(filter, &loaded.library, console));
    let absent: Vec<&str> = target.description().absent.iter().map(|absent| absent.describe()).collect();
    if !absent.is_empty() {
        console.remark(&format!("not judged, since the target lacks it: {}\n", absent.join(", ")));
    }
    if let Some(waiting) = plan.waiting() {
        console.remark(&format!("{}\n", waits(&waiting)));
    }
    let time_limit = target.time_limit().unwrap_or(TIME_LIMIT);
    let max_jobs = target.max_concurrency().unwrap_or(usize::MAX);
    let setting = Arc::new(RunSettings {
        id,
        target,
        registry: Arc::clone(&registry),
        jobs: jobs(arguments.jobs).min(max_jobs),
        strict: arguments.strict,
        snapshots: snapshots(&arguments, loaded.is_persistent, std::env::var("INSTA_UPDATE").ok().as_deref()),
        time_limit,
        folder: folder.path().to_owned(),
        browsers: Arc::default(),
        pictures: true,
        detail: Detail::FailedSteps,
        evidence: evidence.as_ref().map(|evidence| evidence.key.clone()),
        turn: Default::default(),
    });

    let command = arguments.command(scenarios);
    let mut record = Record::default();
    let mut terminal = Terminal::new(console.output(), console.terminal_options());
    let mut observed = Observed::default();
    let mut listeners = Listeners(vec![&mut observed, &mut record]);
    let differences = if arguments.prove_isolation {
        isolation::prove(setting, &plan, ready, stop, &mut terminal, &mut listeners, console).await
    } else {
        listeners.0.extend(evidence.as_mut().map(|evidence| -> &mut dyn Listener { &mut evidence.spool }));
        judge(setting, Arc::clone(&plan), ready, stop, &mut terminal, &mut listeners, console).await;
        Vec::new()
    };
    signals.abort();

    let mut results = Results::of(&record, &registry);
    if observed.failed().next().is_some()
        && let (Ok(matrix), Ok(catalogue)) = (Matrix::built_in(), Catalogue::built_in())
    {
        results.diagnosis = diagnose(&observed, &matrix, &catalogue);
    }
    let shows_reference = destinations.iter().any(Destination::compares) || github::is_active();
    if shows_reference && results.verdict != Verdict::Interrupted {
        reference::compare(&mut results, &loaded.library, jobs(arguments.jobs), folder.path(), console).await;
    }
    let comparison = baseline.map(|baseline| Comparison::of(&baseline, &results, diff::default_limits()));
    let changes = comparison.iter().flat_map(|comparison| &comparison.changes);
    let worse: Vec<String> = changes.filter(|change| change.regression).map(ToString::to_string).collect();
    let differing = differences.into_iter().map(|difference| format!("order-dependent: {difference}"));
    results.worsen(worse.into_iter().chain(differing));

    let mut written = write_reports(&destinations, &results, console);
    if let Some(evidence) = evidence {
        match evidence.pack(&destinations, &results, &loaded.library, &plan) {
            Ok(paths) => written.paths.extend(paths),
            Err(error) => {
                console.report(&error);
                written.is_complete = false;
            }
        }
    }
    let exit_code = written.exit_code(&results);
    if let Some(comparison) = &comparison {
        let paint = Paint::new(console.terminal_options().color);
        console.print(&format!("\nsince the baseline:\n{}", text(comparison, paint, console.width())));
    }
    let end = ProcessEnd { reports: &written.paths, exit_code, command: &command };
    terminal.finish(&record, &results, &registry, end);
    if github::is_active() {
        github::annotate(&results, console);
    }
    if arguments.open
        && let Some(page) = reports::page(&destinations)
        && written.paths.iter().any(|path| path == page)
    {
        browser::open(page, console);
    }
    Ok(exit_code)
}

/// Tells how long a run will wait. The waits overlap, so that the longest one counts.
fn waits(waiting: &Waiting) -> String {
    let Waiting { subtests, total, longest } = waiting;
    let (total, longest) = (humantime::format_duration(*total), humantime::format_duration(*longest));
    let subtests = format!("{} {}", counted(*subtests, "sub-test"), plural(*subtests, "waits", "wait"));
    let total = if waiting.subtests == 1 {
        format!("for {total}")
    } else {
        format!("for {total} in all, beside the others; the longest for {longest}")
    };
    format!(
        "{subtests} {total}, since the target's clock cannot be advanced (--no-waits leaves such sub-tests out)"
    )
}

/// Snapshots are written only if a flag or insta's variable asks for it, and only of the plain reference. New ones
/// are written for review where a person will find them: in a checkout.
fn snapshots(arguments: &Arguments, is_persistent: bool, insta_update: Option<&str>) -> SnapshotMode {
    if !arguments.is_reference() {
        return SnapshotMode::Compare;
    }
    match insta_update {
        _ if arguments.accept => SnapshotMode::Accept,
        _ if !is_persistent => SnapshotMode::Compare,
        _ if arguments.is_review => SnapshotMode::New,
        Some("always" | "force" | "1") => SnapshotMode::Accept,
        Some("auto" | "new" | "unseen") => SnapshotMode::New,
        _ => SnapshotMode::Compare,
    }
}
