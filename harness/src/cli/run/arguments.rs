//! The flags of a run.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::database::Database;
use crate::cli::error::CliError;
use crate::cli::runtime::Runtime;
use crate::cli::value::{count, driver_url};
use harness_model::plan::{Shard, Waits};
use harness_report::destination::Destination;
use harness_runner::browser::DriverUrl;

const MAX_DEFAULT_JOBS: usize = 8;

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Arguments {
    /// Run only these sub-tests or chapters, such as used-count/ST4: a short form of --filter
    #[arg(value_name = "SUBTEST")]
    pub(super) subtests: Vec<String>,
    /// The names of all commands, one of which a sub-test may be misspelt for.
    #[arg(skip)]
    pub(in crate::cli) commands: Vec<String>,
    /// Run only this suite; may be repeated [default: all]
    #[arg(long, value_name = "SUITE")]
    pub(super) suite: Vec<String>,
    /// Run only matching sub-tests, such as 'used-count/* !title~race' or 'verifies=generate/ST5.*'
    #[arg(long, value_name = "EXPR")]
    pub(super) filter: Option<String>,
    /// The profile of the target [default: the embedded reference]
    #[arg(long, value_name = "FILE")]
    pub(super) target: Option<PathBuf>,
    /// Where the reference runs
    #[arg(long, value_enum, value_name = "RUNTIME", default_value = "embedded", conflicts_with = "target")]
    pub(super) runtime: Runtime,
    /// The reference's database: sqlite::memory:, or postgres://[USER@]HOST[:PORT]/NAME with a schema for each sub-test
    #[arg(long, value_name = "URL", default_value = Database::DEFAULT_URL, conflicts_with = "target")]
    pub(super) database: String,
    /// Run N control planes on the database, behind a balancer that gives each request to the next
    #[arg(long, value_name = "N", default_value = "1", value_parser = count::<NonZeroUsize>, conflicts_with = "target")]
    pub(super) replicas: NonZeroUsize,
    /// Put a deliberate deviation in front of the reference, such as count-frozen
    #[arg(long, value_name = "ID", conflicts_with = "target")]
    pub(super) deviation: Option<String>,
    /// Use this WebDriver (of Chromium) for steps in a dashboard, instead of starting chromedriver
    #[arg(long, value_name = "URL", value_parser = driver_url)]
    pub(super) webdriver: Option<DriverUrl>,
    /// Number of sub-tests to run concurrently [default: four times the number of cores, at most 8]
    #[arg(long, value_name = "N", value_parser = count::<NonZeroU32>)]
    pub(super) jobs: Option<NonZeroU32>,
    /// Run only shard I of N
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<Shard>,
    /// Run each sub-test N times
    #[arg(long, value_name = "N", default_value = "1", value_parser = count::<NonZeroU32>)]
    pub(super) repeat: NonZeroU32,
    /// Run in random order [without SEED: a random seed is chosen and printed]
    #[arg(long, value_name = "SEED", num_args = 0..=1)]
    pub(super) shuffle: Option<Option<u64>>,
    /// A file of waivers: known failures to tolerate until a date
    #[arg(long, value_name = "FILE")]
    pub(super) waivers: Option<PathBuf>,
    /// Run only sub-tests that failed, ended in an error or were not run in a results.json [without FILE: the latest below reports]
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    pub(super) rerun_failed: Option<Option<PathBuf>>,
    /// Stop after N failures
    #[arg(long, value_name = "N", value_parser = count::<NonZeroU32>)]
    pub(super) max_fail: Option<NonZeroU32>,
    /// Compare with an earlier results.json and fail on regressions
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Run everything sequentially, concurrently and shuffled, and fail if verdicts differ
    #[arg(long, conflicts_with_all = ["repeat", "accept"])]
    pub(super) prove_isolation: bool,
    /// Leave out sub-tests that wait because the target's clock cannot be advanced
    #[arg(long)]
    pub(super) no_waits: bool,
    /// Also wait for more than six minutes where the target's clock cannot be advanced
    #[arg(long, conflicts_with = "no_waits")]
    pub(super) long_waits: bool,
    /// Fail snapshots on undocumented fields
    #[arg(long)]
    pub(super) strict: bool,
    /// Accept the reference's new and changed answers as snapshots
    #[arg(long, conflicts_with_all = ["target", "deviation"])]
    pub(super) accept: bool,
    /// Whether new and changed answers are written for review (`harness review`).
    #[arg(skip)]
    pub(super) is_review: bool,
    /// Write a report: json, junit, html, markdown, tap, badge or evidence; may be repeated
    #[arg(long, value_name = "FORMAT=PATH")]
    pub(super) report: Vec<Destination>,
    /// Sign the evidence with this minisign secret key; HARNESS_SIGNING_PASSWORD is its password
    #[arg(long, value_name = "KEYFILE")]
    pub(super) sign_with: Option<PathBuf>,
    /// Write every report format into this folder [without DIR: a new folder below reports]
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    pub(super) report_dir: Option<Option<PathBuf>>,
    /// Open the HTML report in the browser; unless one is asked for, it is written to a new folder below reports
    #[arg(long)]
    pub(in crate::cli) open: bool,
}

/// The flags of `harness review`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ReviewArguments {
    #[command(flatten)]
    run: Arguments,
}

impl ReviewArguments {
    /// Returns the run that writes snapshots for review.
    ///
    /// # Errors
    /// Snapshots would be another implementation's answers.
    pub(in crate::cli) fn into_run(self) -> Result<Arguments, CliError> {
        let Arguments { target, deviation, accept, .. } = &self.run;
        if target.is_some() || deviation.is_some() || *accept {
            return Err(CliError::ReviewOfTarget);
        }
        Ok(Arguments { is_review: true, ..self.run })
    }
}

impl Arguments {
    pub(in crate::cli) fn target(&self) -> Option<&Path> {
        self.target.as_deref()
    }

    pub(in crate::cli) fn waivers(&self) -> Option<&Path> {
        self.waivers.as_deref()
    }

    /// Whether the run changes files below the scenarios.
    pub(in crate::cli) fn writes_snapshots(&self) -> bool {
        self.accept
    }

    /// Whether the plain reference is run, whose answers alone become snapshots.
    pub(super) fn is_reference(&self) -> bool {
        self.target.is_none() && self.deviation.is_none()
    }

    pub(super) fn waits(&self) -> Waits {
        match (self.no_waits, self.long_waits) {
            (true, _) => Waits::Never,
            (false, true) => Waits::Long,
            (false, false) => Waits::Short,
        }
    }

    /// Returns the command that runs other sub-tests against the same target.
    pub(super) fn command(&self, scenarios: Option<&Path>) -> String {
        let target = self.target.as_deref().map(|file| ("--target", file.display().to_string()));
        let deviation = self.deviation.clone().map(|id| ("--deviation", id));
        let scenarios = scenarios.map(|folder| ("--scenarios", folder.display().to_string()));
        let flags = [target, deviation, scenarios].into_iter().flatten();
        let words = flags.map(|(flag, value)| format!(" {flag} {}", shell_words::quote(&value)));
        format!("harness{}", words.collect::<String>())
    }
}

pub(in crate::cli) fn jobs(asked: Option<NonZeroU32>) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    asked.and_then(|jobs| usize::try_from(jobs.get()).ok()).unwrap_or((4 * cores).min(MAX_DEFAULT_JOBS))
}
