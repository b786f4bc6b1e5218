//! `harness`: runs what was selected and reports.

mod arguments;
mod comparison;
mod evidence;
mod github;
mod isolation;
mod judgement;
mod reports;
mod selection;
mod signals;
mod target;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::check::snapshot::Mode;
use crate::plan::Filter;
use crate::report::comparison::{Comparison, text};
use crate::report::destination::Destination;
use crate::report::exit_code::{ENVIRONMENT, NON_CONFORMANT, USAGE, Verdict};
use crate::report::record::Record;
use crate::report::results::Results;
use crate::report::terminal::{Paint, Terminal};
use crate::run::event::Listener;
use crate::run::{self, Setting};
use crate::selftest::catalogue::Catalogue;
use crate::selftest::diagnosis::diagnose;
use crate::selftest::matrix::Matrix;
use crate::selftest::observed::Observed;

use super::console::Console;
use super::{diff, library, stored};
pub(super) use arguments::{Arguments, jobs};
use evidence::Evidence;
use judgement::{Audience, judge};
use reports::destinations;
pub(super) use reports::write_reports;
use selection::planned;
pub(super) use signals::heed_signals;
use target::{logins_can_be_approved, target};

const TIME_LIMIT: Duration = Duration::from_secs(60);

pub(super) async fn run(arguments: Arguments, scenarios: Option<&Path>, console: &Console) -> u8 {
    match attempt(arguments, scenarios, console).await {
        Ok(code) | Err(code) => code,
    }
}

async fn attempt(arguments: Arguments, scenarios: Option<&Path>, console: &Console) -> Result<u8, u8> {
    let usage = |message: &dyn std::fmt::Display| {
        console.complain(&message.to_string());
        USAGE
    };
    // Whatever is wrong with what was named is said before anything is made or run.
    let baseline = arguments.baseline.as_deref().map(|path| stored::read(path, console)).transpose()?;
    let filter = arguments.filter.as_deref().map(Filter::parse).transpose().map_err(|error| usage(&error))?;
    let shelf = library::open(scenarios, console)?;
    let target = target(&arguments, console)?;
    let today = time::OffsetDateTime::now_utc().date();
    let plan = Arc::new(planned(&arguments, filter, &shelf.library, &target, today, console)?);
    logins_can_be_approved(&plan, &target, arguments.target.as_deref()).map_err(|message| usage(&message))?;
    if arguments.accept && !shelf.is_lasting {
        return Err(usage(
            &"--accept needs the checkout's scenarios, which are not there; name them with --scenarios",
        ));
    }

    let destinations = destinations(&arguments).map_err(|message| usage(&message))?;
    for destination in &destinations {
        destination.prepare().map_err(|error| usage(&error))?;
    }
    let mut evidence = Evidence::begin(&arguments, &destinations, &shelf.library, console)?;

    let folder = tempfile::Builder::new().prefix("qz-").tempdir().map_err(|error| {
        console.complain(&format!(
            "no folder for the machines can be made: {error}; set TMPDIR to a writable one"
        ));
        ENVIRONMENT
    })?;
    let registry = Arc::new(shelf.library.registry.clone());
    let time_limit = target.time_limit().unwrap_or(TIME_LIMIT);
    let most_jobs = target.most_at_once().unwrap_or(usize::MAX);
    let setting = Arc::new(Setting {
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
        comparison::compare(&mut results, &shelf.library, jobs(arguments.jobs), folder.path(), console).await;
    }
    let (mut written, mut is_complete) = write_reports(&destinations, &results, console);
    match evidence.map(|evidence| evidence.pack(&destinations, &results, &shelf.library, &plan)) {
        Some(Ok(packed)) => written.extend(packed),
        Some(Err(error)) => {
            console.complain(&error);
            is_complete = false;
        }
        None => {}
    }
    terminal.finish(&record, &results, &registry, &written);
    if github::is_here() {
        github::tell(&results, console);
    }
    let mut got_worse = false;
    if let Some(baseline) = baseline {
        let comparison = Comparison::of(&baseline, &results, diff::patience());
        got_worse = comparison.regressions > 0;
        console.say(&format!(
            "\nsince the baseline:\n{}",
            text(&comparison, Paint::new(console.look().color), console.width())
        ));
    }
    for difference in &differences {
        console.say(&format!("not isolated: {difference}\n"));
    }
    Ok(match results.exit_code {
        0 if got_worse || !differences.is_empty() => NON_CONFORMANT,
        0 if !is_complete => ENVIRONMENT,
        code => code,
    })
}

/// New snapshots are left for review where a person will find them.
fn snapshots(arguments: &Arguments, is_lasting: bool) -> Mode {
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    match (arguments.accept, is_lasting && !in_ci) {
        (true, _) => Mode::Accept,
        (false, true) => Mode::New,
        (false, false) => Mode::Compare,
    }
}
