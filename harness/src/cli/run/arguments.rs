//! The run's flags.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr as _;

use clap::Args;

use harness_model::plan::Shard;
use harness_report::destination::Destination;

const MOST_JOBS: usize = 8;

/// What to run, against what, how.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Only this suite; may be repeated [default: all]
    #[arg(long, value_name = "SUITE")]
    pub(super) suite: Vec<String>,
    /// Only sub-tests that match, such as 'used-count/* !title~race' or 'verifies=generate/ST5.*'
    #[arg(long, value_name = "EXPR")]
    pub(super) filter: Option<String>,
    /// The profile of the target to judge [default: the reference, inside this process]
    #[arg(long, value_name = "FILE")]
    pub(super) target: Option<PathBuf>,
    /// Where the reference runs
    #[arg(long, value_name = "RUNTIME", default_value = "embedded", value_parser = runtime, conflicts_with = "target")]
    pub(super) runtime: String,
    /// Put a deliberate deviation in front of the reference, such as count-frozen
    #[arg(long, value_name = "ID", conflicts_with = "target")]
    pub(super) deviation: Option<String>,
    /// How many sub-tests run at the same time [default: twice the cores, 8 at most]
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<NonZeroU32>,
    /// Only part I of N
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub(super) shard: Option<Shard>,
    /// Run everything so many times
    #[arg(long, value_name = "N", default_value = "1")]
    pub(super) repeat: NonZeroU32,
    /// In an order made from SEED [without SEED: from a random one, which is told]
    #[arg(long, value_name = "SEED", num_args = 0..=1)]
    pub(super) shuffle: Option<Option<u64>>,
    /// Failures that are let through for a while: a file of waivers
    #[arg(long, value_name = "FILE")]
    pub(super) waivers: Option<PathBuf>,
    /// Only what failed or came to no verdict in a results.json [without FILE: the newest below reports]
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    pub(super) rerun_failed: Option<Option<PathBuf>>,
    /// Begin no further sub-test once N have failed
    #[arg(long, value_name = "N")]
    pub(super) max_fail: Option<NonZeroU32>,
    /// Compare with an earlier results.json; what got worse since fails the run
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Run everything one by one, side by side and shuffled: verdicts that differ fail the run
    #[arg(long, conflicts_with_all = ["repeat", "accept"])]
    pub(super) prove_isolation: bool,
    /// Fail snapshots for fields that nobody documented
    #[arg(long)]
    pub(super) strict: bool,
    /// Accept new and changed snapshots
    #[arg(long)]
    pub(super) accept: bool,
    /// Write a report: json, junit, html, markdown, tap, badge or evidence; may be repeated
    #[arg(long, value_name = "FORMAT=PATH")]
    pub(super) report: Vec<Destination>,
    /// Sign the evidence with this minisign secret key; its password is taken from HARNESS_SIGNING_PASSWORD
    #[arg(long, value_name = "KEYFILE")]
    pub(super) sign_with: Option<PathBuf>,
    /// Write every report into this folder [without DIR: a new one below reports]
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    pub(super) report_dir: Option<Option<PathBuf>>,
}

pub(in crate::cli) fn jobs(asked: Option<NonZeroU32>) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    asked.and_then(|jobs| usize::try_from(jobs.get()).ok()).unwrap_or((2 * cores).min(MOST_JOBS))
}

fn runtime(text: &str) -> Result<String, String> {
    match text {
        "embedded" => Ok(text.to_owned()),
        "containers" => Err("containers come in a later version; there is: embedded".to_owned()),
        _ => Err("there is: embedded".to_owned()),
    }
}

fn shard(text: &str) -> Result<Shard, String> {
    let wrong = || format!("`{text}` is not I/N with I from 1 to N, such as 1/3");
    let (index, count) = text.split_once('/').ok_or_else(wrong)?;
    let index = NonZeroU32::from_str(index).map_err(|_| wrong())?;
    let count = NonZeroU32::from_str(count).map_err(|_| wrong())?;
    if index <= count { Ok(Shard { index, count }) } else { Err(wrong()) }
}
