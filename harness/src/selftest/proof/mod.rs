//! Runs the suites against the reference with one deviation at a time in front of it.

mod judgement;
mod patience;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures::StreamExt as _;

use crate::check::snapshot::Mode;
use crate::plan::{Plan, Selection, plan};
use crate::run::{self, Setting, Stop};
use crate::scenario::Library;
use crate::scenario::model::Action;
use crate::target::Target;
use crate::target::embedded::Embedded;

use super::catalogue::{Catalogue, Declared};
use super::census;
use super::deviant::Deviant;
use super::matrix::Matrix;
use super::observed::Observed;

/// A deviation that keeps the target from answering must not hold up the others.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// What all proofs have in common.
pub struct Bench {
    /// The statements and sub-tests.
    pub library: Library,
    /// The deviations.
    pub catalogue: Catalogue,
    /// What failed when the matrix was made.
    pub matrix: Matrix,
    /// How many deviations are tried at the same time.
    pub jobs: usize,
    /// An empty folder for machines.
    pub folder: PathBuf,
    /// Whether all sub-tests run that the matrix is made of, rather than those that are to catch the deviation.
    pub for_matrix: bool,
    embedded: Embedded,
}

/// What came of one deviation.
#[derive(Debug)]
pub struct Proof {
    /// Its id.
    pub deviation: String,
    /// What is wrong with it.
    pub wrong: String,
    /// What the checks found.
    pub observed: Observed,
    /// Why it does not count as caught; empty if it does.
    pub missed: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

impl Bench {
    /// A bench with a reference of its own.
    pub fn new(library: Library, catalogue: Catalogue, matrix: Matrix, jobs: usize, folder: &Path) -> Self {
        let (folder, embedded) = (folder.to_owned(), Embedded::default());
        let library = patience::impatient(library);
        Self { library, catalogue, matrix, jobs, folder, for_matrix: false, embedded }
    }

    /// Runs what is to catch these deviations, or everything, against the reference as it is; the checks that do not
    /// hold, a line each.
    pub async fn plain(&self, of: Option<&[&Declared]>, stop: &Stop) -> Vec<String> {
        let target = Target::Embedded(self.embedded.clone());
        let catching = |of: &[&Declared]| -> BTreeSet<String> {
            of.iter().flat_map(|declared| declared.caught_by.iter().cloned()).collect()
        };
        let only = of.map(catching);
        let only = only.as_ref().map(|only| only.iter().map(String::as_str).collect());
        let observed = match self.judge(target, only, "plain", self.jobs, stop).await {
            Ok(observed) => observed,
            Err(error) => return vec![error.to_string()],
        };
        let failed = observed.failed().map(|(cell, _)| format!("{} fails {}", cell.subtest, cell.check));
        let erred = observed.erred.iter().map(|(subtest, reason)| format!("{subtest}: {reason}"));
        let mut lines: Vec<String> = failed.chain(erred).collect();
        if observed.cells.is_empty() {
            lines.push("no check was judged".to_owned());
        }
        lines
    }

    /// Tries these deviations, several at once; each proof is told as soon as it is there.
    pub async fn prove(
        &self,
        deviations: &[&Declared],
        stop: &Stop,
        mut tell: impl FnMut(&Proof),
    ) -> Vec<Proof> {
        // What takes longest begins first.
        let mut order = deviations.to_vec();
        order.sort_by_key(|declared| std::cmp::Reverse(self.waits(declared)));
        let trying = order.into_iter().map(|declared| self.one(declared, stop));
        let mut proofs = Vec::new();
        let mut done = futures::stream::iter(trying).buffer_unordered(self.jobs.max(1));
        while let Some(proof) = done.next().await {
            tell(&proof);
            proofs.push(proof);
            if stop.end().is_some() {
                break;
            }
        }
        let place = |id: &str| deviations.iter().position(|declared| declared.id == id);
        proofs.sort_by_key(|proof| place(&proof.deviation));
        proofs
    }

    async fn one(&self, declared: &Declared, stop: &Stop) -> Proof {
        let begun = Instant::now();
        let mut missed = census::unchecked(declared, &self.library);
        let mut observed = Observed::default();
        match self.try_out(declared, stop).await {
            Ok((deviant, found)) => {
                if !deviant.has_fired() {
                    missed.push(
                        "it changed nothing: no request, no answer and no doing of the agent".to_owned(),
                    );
                }
                observed = found;
                missed.extend(judgement::misses(declared, &observed));
                if !self.for_matrix {
                    missed.extend(judgement::changes(declared, &observed, &self.matrix, &self.catalogue));
                }
            }
            Err(error) => missed.push(error.to_string()),
        }
        let (deviation, wrong) = (declared.id.clone(), declared.wrong.clone());
        Proof { deviation, wrong, observed, missed, took: begun.elapsed() }
    }

    async fn try_out(&self, declared: &Declared, stop: &Stop) -> io::Result<(Arc<Deviant>, Observed)> {
        let deviant = Arc::new(Deviant::new(declared)?);
        let front = Arc::clone(&deviant);
        let target = Target::Embedded(self.embedded.behind(front));
        let only: BTreeSet<&str> = match self.for_matrix {
            true => self.concerned(declared, &deviant),
            false => declared.caught_by.iter().map(String::as_str).collect(),
        };
        let observed = self.judge(target, Some(only), &declared.id, 2, stop).await?;
        Ok((deviant, observed))
    }

    /// How many steps could be waited for in vain.
    fn waits(&self, declared: &Declared) -> usize {
        let scenarios = self.library.scenarios.iter();
        let catching = scenarios.filter(|scenario| declared.caught_by.contains(&scenario.id));
        let steps = catching.flat_map(|scenario| &scenario.steps);
        steps.filter(|step| step.eventually.is_some() || matches!(step.action, Action::Wire(_))).count()
    }

    /// The sub-tests that the matrix is made of. Agents are slow to start: what the control plane gets wrong is tried
    /// on machines only where that is to catch it; what the agent gets wrong shows nowhere else.
    fn concerned(&self, declared: &Declared, deviant: &Deviant) -> BTreeSet<&str> {
        let concerned = self.library.scenarios.iter().filter(|scenario| {
            let likely = scenario.machines.is_empty() != deviant.is_agents();
            likely || declared.caught_by.contains(&scenario.id)
        });
        concerned.map(|scenario| scenario.id.as_str()).collect()
    }

    async fn judge(
        &self,
        target: Target,
        only: Option<BTreeSet<&str>>,
        folder: &str,
        jobs: usize,
        stop: &Stop,
    ) -> io::Result<Observed> {
        let folder = self.folder.join(folder);
        std::fs::create_dir_all(&folder)?;
        let facts = target.facts();
        let whole = plan(&self.library.scenarios, &self.library.registry, &Selection::default(), &facts);
        let mut subtests = whole.map_err(io::Error::other)?.subtests;
        subtests
            .retain(|planned| only.as_ref().is_none_or(|only| only.contains(planned.scenario.id.as_str())));
        let setting = Setting {
            target,
            registry: Arc::new(self.library.registry.clone()),
            jobs,
            strict: false,
            snapshots: Mode::Compare,
            time_limit: TIME_LIMIT,
            folder: folder.clone(),
            evidence: None,
        };
        let mut observed = Observed::default();
        let plan = Arc::new(Plan { subtests });
        run::run(Arc::new(setting), plan, SystemTime::now(), stop.clone(), &mut observed).await;
        // It goes with its parent if it cannot be removed now.
        let _ = std::fs::remove_dir_all(folder);
        Ok(observed)
    }
}
