//! `harness`: runs the selected sub-tests and writes reports.

mod arguments;
mod evidence;
pub(super) mod github;
mod isolation;
mod judgement;
mod preparation;
mod reports;
mod selection;
mod signals;
mod target;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use harness_model::check::snapshot::SnapshotMode;
use harness_model::event::Listener;
use harness_report::comparison::{Comparison, text};
use harness_report::destination::Destination;
use harness_report::diagnosis::catalogue::Catalogue;
use harness_report::diagnosis::diagnose;
use harness_report::diagnosis::matrix::Matrix;
use harness_report::diagnosis::observed::Observed;
use harness_report::exit_code::{ENVIRONMENT, Verdict};
use harness_report::record::Record;
use harness_report::results::Results;
use harness_report::terminal::{Paint, Terminal};
use harness_runner::run::{self, RunSettings};

use super::console::Console;
use super::{diff, reference};
pub(super) use arguments::{Arguments, jobs};
use judgement::{Audience, judge};
use preparation::{Prepared, prepare};
pub(super) use reports::{empty, write_reports};
pub(super) use signals::heed_signals;

const TIME_LIMIT: Duration = Duration::from_secs(60);

pub(super) async fn run(arguments: Arguments, scenarios: Option<&Path>, console: &Console) -> u8 {
    match attempt(arguments, scenarios, console).await {
        Ok(code) | Err(code) => code,
    }
}

async fn attempt(arguments: Arguments, scenarios: Option<&Path>, console: &Console) -> Result<u8, u8> {
    let Prepared { baseline, shelf, target, plan, destinations, mut evidence } =
        prepare(&arguments, scenarios, console)?;
    let folder = tempfile::Builder::new().prefix("qz-").tempdir().map_err(|error| {
        console.complain(&format!(
            "creating a temporary folder failed: {error}\nset TMPDIR to a writable folder"
        ));
        ENVIRONMENT
    })?;
    let registry = Arc::new(shelf.library.registry.clone());
    let time_limit = target.time_limit().unwrap_or(TIME_LIMIT);
    let most_jobs = target.max_concurrency().unwrap_or(usize::MAX);
    let setting = Arc::new(RunSettings {
        id: run::new_id(),
        target,
        registry: Arc::clone(&registry),
        jobs: jobs(arguments.jobs).min(most_jobs),
        strict: arguments.strict,
        snapshots: snapshots(&arguments, shelf.is_lasting),
        time_limit,
        folder: folder.path().to_owned(),
        evidence: evidence.as_ref().map(|evidence| evidence.key.clone()),
    });

    let mut record = Record::default();
    let mut terminal = Terminal::new(std::io::stdout(), console.look());
    let (stopper, stop) = run::stop();
    let listening = tokio::spawn(heed_signals(stopper));
    let mut observed = Observed::default();
    let mut heard = Audience(vec![&mut observed, &mut record]);
    let differences = if arguments.prove_isolation {
        isolation::prove(setting, &plan, stop, &mut terminal, &mut heard, console).await
    } else {
        heard.0.extend(evidence.as_mut().map(|evidence| -> &mut dyn Listener { &mut evidence.spool }));
        judge(setting, Arc::clone(&plan), stop, &mut terminal, &mut heard, console).await;
        Vec::new()
    };
    listening.abort();

    let mut results = Results::of(&record, &registry);
    if observed.failed().next().is_some()
        && let (Ok(matrix), Ok(catalogue)) = (Matrix::built_in(), Catalogue::built_in())
    {
        results.diagnosis = diagnose(&observed, &matrix, &catalogue);
    }
    let shows_reference = destinations.iter().any(Destination::compares) || github::is_here();
    if shows_reference && results.verdict != Verdict::Interrupted {
        reference::compare(&mut results, &shelf.library, jobs(arguments.jobs), folder.path(), console).await;
    }
    let comparison = baseline.map(|baseline| Comparison::of(&baseline, &results, diff::patience()));
    let changes = comparison.iter().flat_map(|comparison| &comparison.changes);
    let worse: Vec<String> = changes.filter(|change| change.regression).map(ToString::to_string).collect();
    let differing = differences.into_iter().map(|difference| format!("order-dependent: {difference}"));
    results.worsen(worse.into_iter().chain(differing));
    let (mut written, mut is_complete) = write_reports(&destinations, &results, console);
    if let Some(evidence) = evidence {
        let packed = evidence.pack(&destinations, &results, &shelf.library, &plan);
        is_complete &= packed.is_ok();
        written.extend(packed.unwrap_or_else(|error| {
            console.complain(&error);
            Vec::new()
        }));
    }
    let code = if results.exit_code == 0 && !is_complete { ENVIRONMENT } else { results.exit_code };
    if let Some(comparison) = &comparison {
        let told = text(comparison, Paint::new(console.look().color), console.width());
        console.say(&format!("\nsince the baseline:\n{told}"));
    }
    terminal.finish(&record, &results, &registry, &written, code);
    if github::is_here() {
        github::tell(&results, console);
    }
    Ok(code)
}

/// New snapshots are written for review only where a person will find them: in a checkout, outside CI.
fn snapshots(arguments: &Arguments, is_lasting: bool) -> SnapshotMode {
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    match (arguments.accept, is_lasting && !in_ci) {
        (true, _) => SnapshotMode::Accept,
        (false, true) => SnapshotMode::New,
        (false, false) => SnapshotMode::Compare,
    }
}
