//! `harness selftest`: verifies that the kit detects every deviation.

mod destination;
mod matrix;
mod progress;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use harness_model::text::counted;
use harness_reference::report::{SelfTestReport, terminal};
use harness_reference::self_test::{DeviationOutcome, Scope, SelfTest};
use harness_reference::{census, selection};
use harness_report::diagnosis::catalogue::{Catalogue, Declared};
use harness_report::diagnosis::matrix::Matrix;
use harness_report::diagnosis::observed::Observed;
use harness_report::exit_code::ExitCode;
use harness_report::terminal::Paint;
use harness_runner::run::{self, Stop};

use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::library;
use crate::cli::signals::stop_on_signals;
use crate::cli::value::count;
use destination::Destination;
use progress::Progress;

const MAX_DEFAULT_JOBS: usize = 24;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Try only these deviations: ids or families, separated by commas, such as 'counts,key-used-*'
    #[arg(long, value_name = "IDS")]
    filter: Option<String>,
    /// Number of deviations to try concurrently [default: six times the number of cores, at most 24]
    #[arg(long, value_name = "N", value_parser = count::<NonZeroU32>)]
    jobs: Option<NonZeroU32>,
    /// Try every deviation N times; one that is missed once counts as missed
    #[arg(long, value_name = "N", default_value = "1", value_parser = count::<NonZeroU32>)]
    repeat: NonZeroU32,
    /// Fail if a deviation cannot be tried on this machine, instead of leaving it out
    #[arg(long)]
    strict: bool,
    /// Write a report: json=PATH or html=PATH; may be repeated
    #[arg(long, value_name = "FORMAT=PATH", conflicts_with_all = ["write_matrix", "check_matrix"])]
    report: Vec<Destination>,
    /// Update the kill matrix: try every deviation on the changed sub-tests, or with --filter the chosen deviations on
    /// all [without FILE: fixtures/kill-matrix.json of the checkout]
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    write_matrix: Option<Option<PathBuf>>,
    /// Run all suites against each deviation: the checks in the kill matrix must fail, and the diagnosis must be right
    #[arg(long, conflicts_with = "write_matrix")]
    check_matrix: bool,
}

pub(in crate::cli) async fn selftest(
    arguments: Arguments,
    scenarios: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, CliError> {
    let started = Instant::now();
    let catalogue = Catalogue::built_in()?;
    // Snapshots are read while deviations are tried: what was loaded stays open until then.
    let loaded = library::open(scenarios)?;
    let mistakes = census::mistakes(&catalogue, &loaded.library);
    if !mistakes.is_empty() {
        return Err(CliError::Census(mistakes));
    }
    let selected = selection::selected(&catalogue, arguments.filter.as_deref().unwrap_or("*"))?;
    let selected: Vec<Declared> = selected.into_iter().cloned().collect();
    if selected.is_empty() {
        return Err(CliError::NoDeviation);
    }
    let known = match &arguments.write_matrix {
        Some(_) => Matrix::built_in().unwrap_or_default(),
        None => Matrix::built_in()?,
    };
    let folder = tempfile::Builder::new().prefix("qz-").tempdir().map_err(CliError::TemporaryFolder)?;
    let mut self_test = SelfTest::new(loaded.library, catalogue, known, jobs(&arguments), folder.path());
    let mut chosen: Vec<&Declared> = selected.iter().collect();
    let untriable = self_test.untriable(&chosen);
    if (arguments.write_matrix.is_some() || arguments.check_matrix)
        && let Some(why) = untriable.keys().next()
    {
        return Err(CliError::MatrixNeeds { why: why.clone() });
    }
    chosen.retain(|declared| !untriable.values().any(|ids| ids.contains(declared.id.as_str())));
    for (why, ids) in &untriable {
        let need = if ids.len() == 1 { "needs" } else { "need" };
        console.print(&format!("not tried: {}, which {need} {why}\n", counted(ids.len(), "deviation")));
    }
    if chosen.is_empty() {
        return Err(CliError::NoDeviationHere);
    }
    if arguments.check_matrix {
        self_test.scope = Scope::AllSuites;
    } else if arguments.write_matrix.is_some() {
        matrix::prepare(&mut self_test, &mut chosen, arguments.filter.is_some());
    }
    let Trial { plain_failures, outcomes } =
        try_deviations(&mut self_test, &chosen, &arguments, console).await?;
    if plain_failures.is_empty() && self_test.scope != Scope::Declared {
        return match &arguments.write_matrix {
            Some(to) => matrix::write(to.as_deref(), &outcomes, &self_test, console),
            None => Ok(matrix::report(&outcomes, console)),
        };
    }
    let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let registry = &self_test.library.registry;
    let report = SelfTestReport::new(plain_failures, &outcomes, &self_test.catalogue, registry, took);
    let options = console.terminal_options();
    console.print(&terminal::summary(&report, Paint::new(options.color), terminal::width(options.width)));
    let is_incomplete = arguments.strict && !untriable.is_empty();
    if is_incomplete {
        let left_out = counted(untriable.values().map(BTreeSet::len).sum(), "deviation");
        console.error(&format!(
            "{left_out} could not be tried on this machine, which --strict forbids\ninstall what the first lines name, or leave out --strict"
        ));
    }
    let verdict = match report.passed && !is_incomplete {
        true => ExitCode::Conformant,
        false => ExitCode::NonConformant,
    };
    Ok(destination::write_all(&arguments.report, &report, console).unwrap_or(verdict))
}

/// The results of trying deviations.
struct Trial {
    /// What the plain reference fails.
    plain_failures: Vec<String>,
    outcomes: Vec<DeviationOutcome>,
}

/// Returns the number of concurrent deviations: more than cores, since most of their time is spent waiting.
fn jobs(arguments: &Arguments) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let asked = arguments.jobs.and_then(|jobs| usize::try_from(jobs.get()).ok());
    asked.unwrap_or((6 * cores).min(MAX_DEFAULT_JOBS))
}

async fn try_deviations(
    self_test: &mut SelfTest,
    chosen: &[&Declared],
    arguments: &Arguments,
    console: &Console,
) -> Result<Trial, CliError> {
    let (stopper, stop) = run::stop();
    let signals = tokio::spawn(stop_on_signals(stopper));
    let of = (arguments.filter.is_some() && self_test.scope == Scope::Declared).then_some(chosen);
    let mut plain_failures = self_test.baseline_failures(of, &stop).await;
    if self_test.scope != Scope::Declared {
        plain_failures.extend(self_test.survey_traffic(&stop).await.err().map(|error| error.to_string()));
    }
    // Deviations prove nothing on a reference that already fails.
    let outcomes = match plain_failures.is_empty() {
        true => rounds(self_test, chosen, arguments.repeat.get(), &stop, console).await,
        false => Vec::new(),
    };
    signals.abort();
    match stop.end() {
        None => Ok(Trial { plain_failures, outcomes }),
        Some(end) => Err(CliError::Stopped(end)),
    }
}

async fn rounds(
    self_test: &SelfTest,
    chosen: &[&Declared],
    tries: u32,
    stop: &Stop,
    console: &Console,
) -> Vec<DeviationOutcome> {
    let whole = u64::try_from(chosen.len()).unwrap_or_default() * u64::from(tries);
    let progress = Progress::new(console, &self_test.scope, whole);
    let mut outcomes: Vec<DeviationOutcome> = Vec::new();
    for _ in 0..tries {
        if stop.end().is_none() {
            let round = self_test.try_deviations(chosen, stop, |outcome| progress.tell(outcome)).await;
            outcomes = match outcomes.is_empty() {
                true => round,
                false => outcomes.into_iter().zip(round).map(|(known, again)| both(known, again)).collect(),
            };
        }
    }
    outcomes
}

/// Merges two rounds: a deviation missed in one of them is missed.
fn both(known: DeviationOutcome, again: DeviationOutcome) -> DeviationOutcome {
    DeviationOutcome {
        missed: if known.missed.is_empty() { again.missed } else { known.missed },
        observed: Observed::steady(vec![known.observed, again.observed]),
        tries: known.tries + again.tries,
        waited_in_full: known.waited_in_full || again.waited_in_full,
        duration: known.duration + again.duration,
        ..known
    }
}
