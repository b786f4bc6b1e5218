//! `harness selftest`: verifies that the kit detects every deviation.

mod destination;
mod matrix;
mod progress;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use harness_model::verdict::RunEnd;
use harness_reference::report::{SelfTestReport, terminal};
use harness_reference::self_test::{DeviationOutcome, Scope, SelfTest};
use harness_reference::{census, selection};
use harness_report::diagnosis::catalogue::{Catalogue, Declared};
use harness_report::diagnosis::matrix::Matrix;
use harness_report::diagnosis::observed::Observed;
use harness_report::exit_code::{ENVIRONMENT, NOTHING_SELECTED, USAGE};
use harness_report::terminal::Paint;
use harness_runner::run::{self, Stop};

use crate::cli::console::Console;
use crate::cli::library;
use crate::cli::run::heed_signals;
use destination::Destination;
use progress::Progress;

const MAX_DEFAULT_JOBS: usize = 12;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Try only these deviations: ids or families, separated by commas, such as 'counts,key-used-*'
    #[arg(long, value_name = "IDS")]
    filter: Option<String>,
    /// Number of deviations to try concurrently [default: three times the number of cores, at most 12]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroU32>,
    /// Try every deviation N times; one that is missed once counts as missed
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroU32,
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
) -> u8 {
    match attempt(arguments, scenarios, console).await {
        Ok(code) | Err(code) => code,
    }
}

async fn attempt(arguments: Arguments, scenarios: Option<&Path>, console: &Console) -> Result<u8, u8> {
    let begun = Instant::now();
    let usage = |message: &dyn std::fmt::Display| {
        console.complain(&message.to_string());
        USAGE
    };
    let catalogue = Catalogue::built_in().map_err(|error| usage(&error))?;
    let shelf = library::open(scenarios, console)?;
    let mistakes = census::mistakes(&catalogue, &shelf.library);
    if !mistakes.is_empty() {
        return Err(usage(&mistakes.join("\n       ")));
    }
    let selected = selection::selected(&catalogue, arguments.filter.as_deref().unwrap_or("*"));
    let selected: Vec<Declared> = selected.map_err(|error| usage(&error))?.into_iter().cloned().collect();
    if selected.is_empty() {
        console.complain(
            "no deviation selected\n--filter expects ids or families; `harness list --deviations` lists them",
        );
        return Err(NOTHING_SELECTED);
    }
    let known = match &arguments.write_matrix {
        Some(_) => Matrix::built_in().unwrap_or_default(),
        None => Matrix::built_in().map_err(|error| usage(&error))?,
    };
    let folder = tempfile::Builder::new().prefix("qz-").tempdir().map_err(|error| {
        console.complain(&format!(
            "creating a temporary folder failed: {error}\nset TMPDIR to a writable folder"
        ));
        ENVIRONMENT
    })?;
    let mut self_test = SelfTest::new(shelf.library, catalogue, known, jobs(&arguments), folder.path());
    let mut chosen: Vec<&Declared> = selected.iter().collect();
    if arguments.check_matrix {
        self_test.scope = Scope::AllSuites;
    } else if arguments.write_matrix.is_some() {
        matrix::prepare(&mut self_test, &mut chosen, arguments.filter.is_some());
    }
    let (plain, outcomes) = tried(&mut self_test, &chosen, &arguments, console).await?;
    if plain.is_empty() && self_test.scope != Scope::Declared {
        return match &arguments.write_matrix {
            Some(to) => matrix::write(to.as_deref(), &outcomes, &self_test, console),
            None => Ok(matrix::tell(&outcomes, console)),
        };
    }
    let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let report =
        SelfTestReport::new(plain, &outcomes, &self_test.catalogue, &self_test.library.registry, took);
    let look = console.look();
    console.say(&terminal::summary(&report, Paint::new(look.color), terminal::width(look.width)));
    Ok(destination::write_all(&arguments.report, &report, console).unwrap_or(u8::from(!report.passed)))
}

/// Returns the number of concurrent deviations: more than cores, since most of their time is spent waiting.
fn jobs(arguments: &Arguments) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let asked = arguments.jobs.and_then(|jobs| usize::try_from(jobs.get()).ok());
    asked.unwrap_or((3 * cores).min(MAX_DEFAULT_JOBS))
}

/// Returns the failures of the plain reference, and the result of each deviation.
async fn tried(
    self_test: &mut SelfTest,
    chosen: &[&Declared],
    arguments: &Arguments,
    console: &Console,
) -> Result<(Vec<String>, Vec<DeviationOutcome>), u8> {
    let (stopper, stop) = run::stop();
    let listening = tokio::spawn(heed_signals(stopper));
    let of = (arguments.filter.is_some() && self_test.scope == Scope::Declared).then_some(chosen);
    let mut plain = self_test.baseline_failures(of, &stop).await;
    if self_test.scope != Scope::Declared {
        plain.extend(self_test.survey_traffic(&stop).await.err().map(|error| error.to_string()));
    }
    // Deviations prove nothing on a reference that already fails.
    let outcomes = match plain.is_empty() {
        true => rounds(self_test, chosen, arguments.repeat.get(), &stop, console).await,
        false => Vec::new(),
    };
    listening.abort();
    match stop.end() {
        None => Ok((plain, outcomes)),
        Some(end) => {
            console.complain("interrupted before completion");
            Err(if end == RunEnd::Interrupted { 130 } else { 5 })
        }
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
        duration: known.duration + again.duration,
        ..known
    }
}
