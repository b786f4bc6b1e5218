//! `harness`: runs what was selected and reports.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::Args;

use crate::check::snapshot::Mode;
use crate::plan::{Disposition, Filter, Plan, PlanError, Selection, Shard, plan};
use crate::report::annotation::annotations;
use crate::report::destination::Destination;
use crate::report::exit_code::{ENVIRONMENT, NOTHING_SELECTED, USAGE};
use crate::report::record::Record;
use crate::report::results::Results;
use crate::report::terminal::Terminal;
use crate::run::event::{End, Event, Fault, Listener, SubtestVerdict};
use crate::run::{self, Setting, Stop, Stopper};
use crate::scenario::Library;
use crate::selftest::catalogue::Catalogue;
use crate::selftest::diagnosis::diagnose;
use crate::selftest::matrix::Matrix;
use crate::selftest::observed::Observed;
use crate::target::Target;
use crate::target::embedded::Embedded;
use crate::target::profile::Profile;
use crate::target::remote::Remote;

use super::console::Console;
use super::{deviation, library};

const TIME_LIMIT: Duration = Duration::from_secs(60);
const MOST_JOBS: usize = 8;

/// What to run, against what, how.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only this suite; may be repeated [default: all]
    #[arg(long, value_name = "SUITE")]
    suite: Vec<String>,
    /// Only sub-tests that match, such as 'used-count/* !title~race' or 'verifies=generate/ST5.*'
    #[arg(long, value_name = "EXPR")]
    filter: Option<String>,
    /// The profile of the target to judge [default: the reference, inside this process]
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    /// Where the reference runs
    #[arg(long, value_name = "RUNTIME", default_value = "embedded", value_parser = runtime, conflicts_with = "target")]
    runtime: String,
    /// Put a deliberate deviation in front of the reference, such as count-frozen
    #[arg(long, value_name = "ID", conflicts_with = "target")]
    deviation: Option<String>,
    /// How many sub-tests run at the same time [default: twice the cores, 8 at most]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroU32>,
    /// Only part I of N
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<Shard>,
    /// Run everything so many times
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroU32,
    /// In an order made from SEED [without SEED: from a random one, which is told]
    #[arg(long, value_name = "SEED", num_args = 0..=1)]
    shuffle: Option<Option<u64>>,
    /// Fail snapshots for fields that nobody documented
    #[arg(long)]
    strict: bool,
    /// Accept new and changed snapshots
    #[arg(long)]
    accept: bool,
    /// Write a report: junit=PATH or json=PATH; may be repeated
    #[arg(long, value_name = "FORMAT=PATH")]
    report: Vec<Destination>,
    /// Write every report into this folder [without DIR: a new one below reports]
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    report_dir: Option<Option<PathBuf>>,
}

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
    let destinations = destinations(&arguments);
    for destination in &destinations {
        destination.prepare().map_err(|error| usage(&error))?;
    }
    let filter = arguments.filter.as_deref().map(Filter::parse).transpose().map_err(|error| usage(&error))?;
    let shelf = library::open(scenarios, console)?;
    let target = target(&arguments, console)?;
    let plan = Arc::new(planned(&arguments, filter, &shelf.library, &target, console)?);
    logins_can_be_approved(&plan, &target, arguments.target.as_deref()).map_err(|message| usage(&message))?;
    if arguments.accept && !shelf.is_lasting {
        return Err(usage(
            &"--accept needs the checkout's scenarios, which are not there; name them with --scenarios",
        ));
    }

    let folder = tempfile::Builder::new().prefix("qz-").tempdir().map_err(|error| {
        console.complain(&format!(
            "no folder for the machines can be made: {error}; set TMPDIR to a writable one"
        ));
        ENVIRONMENT
    })?;
    let registry = Arc::new(shelf.library.registry.clone());
    let setting = Arc::new(Setting {
        target,
        registry: Arc::clone(&registry),
        jobs: jobs(arguments.jobs),
        strict: arguments.strict,
        snapshots: snapshots(&arguments, shelf.is_lasting),
        time_limit: TIME_LIMIT,
        folder: folder.path().to_owned(),
    });

    let mut record = Record::default();
    let mut terminal = Terminal::new(std::io::stdout(), console.look());
    let (stopper, stop) = run::stop();
    let listening = tokio::spawn(heed_signals(stopper));
    let mut observed = Observed::default();
    let mut seen = Both(&mut terminal, &mut observed);
    let mut both = Both(&mut seen, &mut record);
    judge(setting, plan, stop, &mut both, console).await;
    listening.abort();

    let mut results = Results::of(&record, &registry);
    if let (Ok(matrix), Ok(catalogue)) = (Matrix::built_in(), Catalogue::built_in()) {
        results.diagnosis = diagnose(&observed, &matrix, &catalogue);
    }
    let (written, is_complete) = write_reports(&destinations, &results, console);
    terminal.finish(&record, &results, &registry, &written);
    if std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true") {
        for annotation in annotations(&record) {
            console.say(&(annotation + "\n"));
        }
    }
    Ok(if results.exit_code == 0 && !is_complete { ENVIRONMENT } else { results.exit_code })
}

/// Runs the plan. If the target cannot be reached that is said once, and recorded of every sub-test.
async fn judge(
    setting: Arc<Setting>,
    plan: Arc<Plan>,
    mut stop: Stop,
    listener: &mut Both<'_>,
    console: &Console,
) {
    let at = SystemTime::now();
    let checked = tokio::select! {
        checked = setting.target.preflight() => checked,
        () = stop.asked() => Ok(()),
    };
    let Err(error) = checked else {
        return run::run(setting, plan, at, stop, listener).await;
    };
    console.complain(&error.to_string());
    let Both(_, record) = listener;
    record.hear(&Event::Started { plan: Arc::clone(&plan), target: setting.target.description(), at });
    for (subtest, planned) in plan.subtests.iter().enumerate() {
        let (verdict, reason, fault) = match &planned.disposition {
            Disposition::Skip(reason) => (SubtestVerdict::Skip, reason.clone(), None),
            Disposition::Run => (SubtestVerdict::Error, error.to_string(), Some(Fault::Environment)),
        };
        let took = Duration::ZERO;
        record.hear(&Event::SubtestFinished { subtest, verdict, reason: Some(reason), fault, took });
    }
    record.hear(&Event::Finished { took: at.elapsed().unwrap_or_default(), end: End::Complete });
}

struct Both<'a>(&'a mut dyn Listener, &'a mut dyn Listener);

impl Listener for Both<'_> {
    fn hear(&mut self, event: &Event) {
        self.0.hear(event);
        self.1.hear(event);
    }
}

fn planned(
    arguments: &Arguments,
    filter: Option<Filter>,
    library: &Library,
    target: &Target,
    console: &Console,
) -> Result<Plan, u8> {
    let seed = arguments.shuffle.map(|seed| seed.unwrap_or_else(rand::random));
    if let Some(seed) = seed {
        console.say(&format!("order: --shuffle {seed}\n"));
    }
    let mut selection =
        Selection { suites: arguments.suite.clone(), filter, shard: arguments.shard, shuffle: seed };
    let facts = target.facts();
    let mut whole = Plan { subtests: Vec::new() };
    for repetition in 0..arguments.repeat.get() {
        // Each repetition in an order of its own, which the one seed brings back.
        selection.shuffle = seed.map(|seed| seed.wrapping_add(repetition.into()));
        let once = plan(&library.scenarios, &library.registry, &selection, &facts).map_err(|error| {
            console.complain(&error.to_string());
            match error {
                PlanError::UnknownSuite { .. } => USAGE,
                PlanError::NothingSelected(_) => NOTHING_SELECTED,
            }
        })?;
        whole.subtests.extend(once.subtests);
    }
    Ok(whole)
}

fn target(arguments: &Arguments, console: &Console) -> Result<Target, u8> {
    let Some(path) = &arguments.target else {
        let embedded = Embedded::default();
        return Ok(Target::Embedded(match &arguments.deviation {
            Some(id) => embedded.behind(deviation::named(id, console)?),
            None => embedded,
        }));
    };
    let usage = |message: String| {
        console.complain(&message);
        USAGE
    };
    let profile = Profile::read(path).map_err(|error| usage(error.to_string()))?;
    for warning in profile.warnings() {
        console.warn(&warning);
    }
    let remote = Remote::new(profile).map_err(|error| usage(error.to_string()))?;
    Ok(Target::Remote(Arc::new(remote)))
}

/// Found out before anything runs: half a run would fail for the profile's sake.
fn logins_can_be_approved(plan: &Plan, target: &Target, profile: Option<&Path>) -> Result<(), String> {
    let (Target::Remote(remote), Some(profile)) = (target, profile) else { return Ok(()) };
    let logs_in = plan.subtests.iter().find(|planned| {
        planned.disposition == Disposition::Run
            && planned.scenario.machines.iter().any(|machine| machine.login.is_some())
    });
    match logs_in {
        Some(planned) if !remote.can_approve() => Err(format!(
            "{} logs in on a machine, but {} has no hooks.approve; add it, or leave the capability `agent` out",
            planned.scenario.id,
            profile.display()
        )),
        _ => Ok(()),
    }
}

fn destinations(arguments: &Arguments) -> Vec<Destination> {
    let mut destinations = arguments.report.clone();
    if let Some(folder) = &arguments.report_dir {
        let folder = folder.clone().unwrap_or_else(|| Path::new("reports").join(moment(SystemTime::now())));
        destinations.extend(Destination::all_in(&folder));
    }
    destinations
}

/// A name that sorts by time.
fn moment(at: SystemTime) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day]T[hour]-[minute]-[second]Z");
    time::OffsetDateTime::from(at).format(format).unwrap_or_else(|_| "latest".to_owned())
}

/// Every report that can be written is, whatever becomes of the others.
fn write_reports(destinations: &[Destination], results: &Results, console: &Console) -> (Vec<PathBuf>, bool) {
    let mut written = Vec::new();
    for destination in destinations {
        match destination.write(results) {
            Ok(()) => written.push(destination.path.clone()),
            Err(error) => console.complain(&error.to_string()),
        }
    }
    let is_complete = written.len() == destinations.len();
    (written, is_complete)
}

pub(super) fn jobs(asked: Option<NonZeroU32>) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    asked.and_then(|jobs| usize::try_from(jobs.get()).ok()).unwrap_or((2 * cores).min(MOST_JOBS))
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

pub(super) async fn heed_signals(stopper: Stopper) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => stopper.ask(End::Interrupted),
            _ = terminate.recv() => stopper.ask(End::Cancelled),
        }
    }
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
