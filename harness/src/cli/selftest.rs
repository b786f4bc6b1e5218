//! `harness selftest`: shows that the kit finds every deviation.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::exit_code::{ENVIRONMENT, NOTHING_SELECTED, USAGE};
use crate::report::terminal::Paint;
use crate::run::{self, event::End};
use crate::selftest::catalogue::{Catalogue, Declared};
use crate::selftest::census;
use crate::selftest::matrix::Matrix;
use crate::selftest::proof::{Bench, Proof};
use crate::selftest::report::{SelfTest, html, terminal};

use super::console::Console;
use super::library;
use super::run::{heed_signals, jobs};

/// What of it, and what becomes of it.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only these deviations: ids or families, separated by commas, such as 'counts,key-used-*'
    #[arg(long, value_name = "IDS")]
    filter: Option<String>,
    /// How many deviations are tried at the same time [default: twice the cores, 8 at most]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroU32>,
    /// Try every deviation so many times; one that is missed once is missed
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroU32,
    /// Write a report: json=PATH or html=PATH; may be repeated
    #[arg(long, value_name = "FORMAT=PATH")]
    report: Vec<Destination>,
    /// Run more sub-tests against each deviation, and write which checks fail, with --repeat which fail each
    /// time, to FILE [without FILE: the checkout's fixtures/kill-matrix.json]
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    write_matrix: Option<Option<PathBuf>>,
}

/// Where a report goes.
#[derive(Debug, Clone)]
struct Destination {
    format: Format,
    path: PathBuf,
}

#[derive(Debug, Clone, Copy)]
enum Format {
    Json,
    Html,
}

pub(super) async fn selftest(arguments: Arguments, scenarios: Option<&Path>, console: &Console) -> u8 {
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
    let selected = catalogue.selected(arguments.filter.as_deref().unwrap_or("*"));
    let selected: Vec<Declared> = selected.map_err(|error| usage(&error))?.into_iter().cloned().collect();
    if selected.is_empty() {
        console.complain("no deviation is selected; --filter takes ids and families");
        return Err(NOTHING_SELECTED);
    }
    let matrix = match &arguments.write_matrix {
        Some(_) => Matrix::default(),
        None => Matrix::built_in().map_err(|error| usage(&error))?,
    };
    let folder = tempfile::Builder::new().prefix("qz-").tempdir().map_err(|error| {
        console.complain(&format!("no folder for the machines can be made: {error}"));
        ENVIRONMENT
    })?;
    let mut bench = Bench::new(shelf.library, catalogue, matrix, jobs(arguments.jobs), folder.path());
    bench.for_matrix = arguments.write_matrix.is_some();

    let (stopper, stop) = run::stop();
    let listening = tokio::spawn(heed_signals(stopper));
    let chosen: Vec<&Declared> = selected.iter().collect();
    let of = arguments.filter.as_ref().map(|_| chosen.as_slice());
    let plain = bench.plain(of, &stop).await;
    let tries = arguments.repeat.get();
    let whole = u64::try_from(selected.len()).unwrap_or_default() * u64::from(tries);
    let progress = Progress::new(console, whole);
    let mut rounds: Vec<Vec<Proof>> = Vec::new();
    for _ in 0..tries {
        // Nothing is worth trying on a reference that fails by itself.
        if plain.is_empty() && stop.end().is_none() {
            rounds.push(bench.prove(&chosen, &stop, |proof| progress.tell(proof)).await);
        }
    }
    progress.bar.finish_and_clear();
    listening.abort();
    if let Some(end) = stop.end() {
        console.complain("interrupted: nothing is proven");
        return Err(if end == End::Interrupted { 130 } else { 5 });
    }
    if let Some(to) = &arguments.write_matrix {
        write_matrix(to.as_deref(), &rounds, &bench, console)?;
    }
    let proofs = merged(rounds);
    let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let report = SelfTest::of(plain, &proofs, &bench.catalogue, &bench.library.registry, took);
    console.say(&terminal::summary(&report, Paint::new(console.look().color)));
    let mut code = u8::from(!report.passed);
    for destination in &arguments.report {
        match destination.write(&report) {
            Ok(()) => console.say(&format!("report written to {}\n", destination.path.display())),
            Err(error) => {
                console.complain(&format!("{} cannot be written: {error}", destination.path.display()));
                code = ENVIRONMENT;
            }
        }
    }
    Ok(code)
}

/// One proof a deviation: missed in one round, missed.
fn merged(rounds: Vec<Vec<Proof>>) -> Vec<Proof> {
    let mut merged: Vec<Proof> = Vec::new();
    for proof in rounds.into_iter().flatten() {
        match merged.iter_mut().find(|known| known.deviation == proof.deviation) {
            Some(known) if known.missed.is_empty() => *known = proof,
            Some(_) => {}
            None => merged.push(proof),
        }
    }
    merged
}

fn write_matrix(
    to: Option<&Path>,
    rounds: &[Vec<Proof>],
    bench: &Bench,
    console: &Console,
) -> Result<(), u8> {
    let mut rounds = rounds.iter().map(|proofs| {
        let mut matrix = Matrix::default();
        proofs.iter().for_each(|proof| matrix.learn(&proof.deviation, &proof.observed));
        matrix
    });
    let Some(mut fresh) = rounds.next() else { return Ok(()) };
    rounds.for_each(|other| fresh.keep_common(&other));
    // What was not tried now stays as it was, unless it is gone.
    let mut whole = Matrix::built_in().unwrap_or_default();
    whole.patterns.retain(|deviation, _| bench.catalogue.named(deviation).is_ok());
    whole.patterns.extend(fresh.patterns);
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/kill-matrix.json");
    let path = to.map_or(checkout, Path::to_owned);
    let written = whole.render().map_err(std::io::Error::from).and_then(|text| std::fs::write(&path, text));
    written.map_err(|error| {
        console.complain(&format!("{} cannot be written: {error}", path.display()));
        ENVIRONMENT
    })?;
    console.say(&format!("matrix written to {}; it counts once the kit is built again\n", path.display()));
    Ok(())
}

struct Progress<'a> {
    console: &'a Console,
    bar: ProgressBar,
}

impl<'a> Progress<'a> {
    fn new(console: &'a Console, whole: u64) -> Self {
        if !console.look().live {
            return Self { console, bar: ProgressBar::hidden() };
        }
        let bar = ProgressBar::with_draw_target(Some(whole), ProgressDrawTarget::stderr_with_hz(10));
        let style = ProgressStyle::with_template("{spinner} {pos}/{len} [{elapsed}] {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { console, bar }
    }

    fn tell(&self, proof: &Proof) {
        let line = terminal::line(proof, Paint::new(self.console.look().color));
        self.bar.suspend(|| self.console.say(&line));
        self.bar.inc(1);
        self.bar.set_message(proof.deviation.clone());
    }
}

impl Destination {
    fn write(&self, report: &SelfTest) -> std::io::Result<()> {
        let text = match self.format {
            Format::Json => report.json().map_err(std::io::Error::from)?,
            Format::Html => html::render(report),
        };
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&self.path, text)
    }
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (format, path) = text.split_once('=').unwrap_or((text, ""));
        let format = match format {
            "json" => Format::Json,
            "html" => Format::Html,
            other => return Err(format!("the self-test has no report `{other}`; there are: json, html")),
        };
        if path.is_empty() {
            return Err(format!("`{text}` is not FORMAT=PATH, such as html=reports/selftest.html"));
        }
        Ok(Self { format, path: path.into() })
    }
}
