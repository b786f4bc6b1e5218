//! Runs the suites against the reference with one deviation at a time in front of it.

mod judgement;
mod recipe;
mod round;
mod scope;
mod survey;
mod timeouts;
mod traffic;
mod trial;

use std::collections::BTreeSet;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use harness_model::event::Listeners;
use harness_model::library::Library;
use harness_model::requirement::Registry;
use harness_report::diagnosis::catalogue::{Catalogue, Declared};
use harness_report::diagnosis::matrix::Matrix;
use harness_report::diagnosis::observed::Observed;
use harness_runner::browser::Browsers;
use harness_runner::run::{Stop, Turn};
use tokio::sync::Semaphore;

use crate::embedded::Embedded;

use timeouts::StepDurations;
use traffic::TrafficSurvey;

/// Deviations that wait for what they prevent, beside those that keep the machine busy.
const MAX_WAITING: usize = 48;
/// How long a sub-test may take with the scenario's own waits.
const OWN_TIME_LIMIT: Duration = Duration::from_secs(240);
/// Browsers in use at the same time, on many cores.
const MAX_BROWSERS: usize = 6;

/// What all tried deviations share.
pub struct SelfTest {
    /// With the scenarios' own waits.
    pub library: Library,
    /// The same sub-tests with shorter waits.
    hasty: Library,
    pub catalogue: Catalogue,
    /// What failed when the matrix was made.
    pub matrix: Matrix,
    /// How many deviations are tried at the same time, without those that wait.
    pub jobs: usize,
    /// An empty folder for the machines' state.
    pub folder: PathBuf,
    pub scope: Scope,
    traffic: TrafficSurvey,
    /// The browsers for deviations of the dashboard.
    browsers: Arc<Browsers>,
    embedded: Embedded,
    registry: Arc<Registry>,
}

/// Which sub-tests run against each deviation, and what is expected of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The sub-tests that are declared to catch the deviation, each of which must.
    Declared,
    /// All suites. Exactly the checks of the matrix must fail, and the diagnosis must name the deviation first.
    AllSuites,
    /// The sub-tests that the matrix does not know yet; all of them for a deviation that it does not know.
    Unlearned(BTreeSet<String>),
}

/// What runs against one target.
#[derive(Clone, Copy)]
struct Round<'a> {
    waits: Waits<'a>,
    /// The ids of the sub-tests that run.
    only: &'a BTreeSet<&'a str>,
    /// The name of the folder for the machines' state.
    folder: &'a str,
    /// How many sub-tests run at the same time.
    jobs: usize,
    turn: &'a Turn,
}

/// The sub-tests of a library, and with it how long their steps wait.
#[derive(Clone, Copy)]
struct Waits<'a> {
    library: &'a Library,
    /// How long a sub-test may take.
    time_limit: Duration,
}

/// What came of one deviation.
#[derive(Debug)]
pub struct DeviationOutcome {
    pub deviation: String,
    pub summary: String,
    pub observed: Observed,
    /// How often its races were run.
    pub tries: usize,
    /// Whether it was tried again with the scenarios' own waits, since it was missed with shorter ones.
    pub waited_in_full: bool,
    /// Why it does not count as caught; empty if it does.
    pub missed: Vec<String>,
    pub duration: Duration,
}

impl DeviationOutcome {
    /// Whether no sub-test ran, since it affects none of those that the scope asks for.
    pub fn tried_nothing(&self) -> bool {
        let Observed { cells, erred, skipped, .. } = &self.observed;
        cells.is_empty() && erred.is_empty() && skipped.is_empty()
    }
}

impl SelfTest {
    pub fn new(
        mut library: Library,
        catalogue: Catalogue,
        matrix: Matrix,
        jobs: usize,
        folder: &Path,
    ) -> Self {
        timeouts::outlast_agents(&mut library);
        let hasty = timeouts::shortened(&library, &StepDurations::default());
        let registry = Arc::new(library.registry.clone());
        Self {
            registry,
            library,
            hasty,
            catalogue,
            matrix,
            jobs,
            folder: folder.to_owned(),
            scope: Scope::Declared,
            browsers: Arc::new(Browsers::at_most(browsers())),
            traffic: TrafficSurvey::default(),
            embedded: Embedded::default(),
        }
    }

    /// Runs the sub-tests that are declared to catch these deviations, or all, against the unmodified reference.
    /// Returns a line for each check that does not hold. Deviations are not waited for much longer than this took.
    pub async fn baseline_failures(&mut self, of: Option<&[&Declared]>, stop: &Stop) -> Vec<String> {
        let target = Arc::new(self.embedded.clone());
        let only = match of {
            Some(of) => of.iter().flat_map(|declared| &declared.caught_by).map(String::as_str).collect(),
            None => self.all_subtests(),
        };
        let (mut observed, mut durations) = (Observed::default(), StepDurations::default());
        let mut listener = Listeners(vec![&mut observed, &mut durations]);
        let turn = Turn::default();
        let waits = Waits { library: &self.library, time_limit: OWN_TIME_LIMIT };
        let round = Round { waits, only: &only, folder: "plain", jobs: self.jobs, turn: &turn };
        if let Err(error) = self.listen_to(&mut listener, target, round, stop).await {
            return vec![error.to_string()];
        }
        if self.scope == Scope::Declared {
            self.hasty = timeouts::shortened(&self.library, &durations);
        }
        let failed = observed.failed().map(|(cell, _)| format!("{} fails {}", cell.subtest, cell.check));
        let erred = observed.erred.iter().map(|subtest| format!("{}: {}", subtest.id, subtest.reason));
        let mut lines: Vec<String> = failed.chain(erred).collect();
        if observed.cells.is_empty() {
            lines.push("no check was judged".to_owned());
        }
        lines
    }

    /// Tries these deviations, several at once, and calls `finished` with each outcome as soon as it is known.
    pub async fn try_deviations(
        &self,
        deviations: &[&Declared],
        stop: &Stop,
        mut finished: impl FnMut(&DeviationOutcome),
    ) -> Vec<DeviationOutcome> {
        // What takes longest begins first.
        let mut order = deviations.to_vec();
        order.sort_by_key(|declared| std::cmp::Reverse(self.expected_wait(declared)));
        let jobs = self.jobs.max(1);
        let turns = Arc::new(Semaphore::new(jobs));
        let trying = order.into_iter().map(|declared| {
            let turns = Arc::clone(&turns);
            async move {
                // The semaphore is never closed.
                let turn = turns.acquire_owned().await.map(Turn::of).unwrap_or_default();
                self.try_one(declared, &turn, stop).await
            }
        });
        // What the matrix learns must not depend on how busy the machine is.
        let waiting = if self.scope == Scope::Declared { MAX_WAITING } else { 0 };
        let mut outcomes = Vec::new();
        let mut done = futures::stream::iter(trying).buffer_unordered(jobs + waiting);
        while let Some(outcome) = done.next().await {
            finished(&outcome);
            outcomes.push(outcome);
            if stop.end().is_some() {
                break;
            }
        }
        let position = |id: &str| deviations.iter().position(|declared| declared.id == id);
        outcomes.sort_by_key(|outcome| position(&outcome.deviation));
        outcomes
    }
}

/// Twice as many as there are cores: most of a deviation's time in a browser is spent on what it prevents.
fn browsers() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get).saturating_mul(2).min(MAX_BROWSERS)
}
