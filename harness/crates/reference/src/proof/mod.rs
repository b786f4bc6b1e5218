//! Runs the suites against the reference with one deviation at a time in front of it.

mod judgement;
mod patience;
mod rehearsal;
mod round;
mod scope;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;

use crate::embedded::Embedded;
use harness_model::scenario::Library;
use harness_runner::run::Stop;

use super::census;
use super::deviant::Deviant;
use harness_report::diagnosis::catalogue::{Catalogue, Declared};
use harness_report::diagnosis::matrix::Matrix;
use harness_report::diagnosis::observed::Observed;
use rehearsal::Rehearsal;

/// A race that is lost once may be won the next time.
const RACES_AGAIN: usize = 2;

/// All that proofs have in common.
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
    /// What runs against each deviation.
    pub reach: Reach,
    rehearsal: Rehearsal,
    embedded: Embedded,
}

/// What runs against each deviation, and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// What is to catch it, which must catch it.
    Catching,
    /// All suites, of which exactly what the matrix has must fail, so that its diagnosis names the deviation first.
    Whole,
    /// What the matrix has yet to learn: these sub-tests, and of a deviation that it does not know all.
    Learning(BTreeSet<String>),
}

/// What came of one deviation.
#[derive(Debug)]
pub struct Proof {
    /// Its id.
    pub deviation: String,
    /// What is wrong with it.
    pub wrong: String,
    /// What the checks found, each time.
    pub observed: Observed,
    /// How often races were run.
    pub tries: usize,
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
        Self {
            library,
            catalogue,
            matrix,
            jobs,
            folder,
            reach: Reach::Catching,
            rehearsal: Rehearsal::default(),
            embedded,
        }
    }

    /// Runs what is to catch these deviations, or everything, against the reference as it is; the checks that do not
    /// hold, a line each.
    pub async fn plain(&self, of: Option<&[&Declared]>, stop: &Stop) -> Vec<String> {
        let target = Arc::new(self.embedded.clone());
        let only = match of {
            Some(of) => of.iter().flat_map(|declared| &declared.caught_by).map(String::as_str).collect(),
            None => self.everything(),
        };
        let observed = match self.round(target, &only, "plain", self.jobs, stop).await {
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
        let (mut observed, mut tries) = (Observed::default(), 0);
        match self.try_out(declared, stop).await {
            Ok((deviant, rounds)) => {
                tries = rounds.len();
                observed = Observed::steady(rounds);
                if !deviant.has_fired() && self.reach == Reach::Catching {
                    missed.push(
                        "it changed nothing: no request, no answer and no doing of the agent".to_owned(),
                    );
                }
                missed.extend(self.judged(declared, &observed));
            }
            Err(error) => missed.push(error.to_string()),
        }
        let (deviation, wrong) = (declared.id.clone(), declared.wrong.clone());
        Proof { deviation, wrong, observed, tries, missed, took: begun.elapsed() }
    }

    fn judged(&self, declared: &Declared, observed: &Observed) -> Vec<String> {
        let (matrix, catalogue) = (&self.matrix, &self.catalogue);
        match self.reach {
            Reach::Catching => {
                let mut missed = judgement::misses(declared, observed);
                missed.extend(judgement::changes(declared, observed, matrix, catalogue));
                missed
            }
            Reach::Whole => judgement::differences(declared, observed, matrix, catalogue),
            Reach::Learning(_) => judgement::unjudged(declared, observed),
        }
    }

    async fn try_out(&self, declared: &Declared, stop: &Stop) -> io::Result<(Arc<Deviant>, Vec<Observed>)> {
        let deviant = Arc::new(Deviant::new(declared)?);
        let target = || {
            let front = Arc::clone(&deviant);
            Arc::new(self.embedded.behind(front))
        };
        let concerned = self.concerned(declared, &deviant);
        let mut first = self.round(target(), &concerned, &declared.id, 2, stop).await?;
        if self.reach == Reach::Whole {
            self.rehearsal.complete(&mut first, &concerned);
        }
        let races = self.failed_races(&first);
        let mut rounds = vec![first];
        for _ in 0..RACES_AGAIN {
            if !races.is_empty() {
                rounds.push(self.round(target(), &races, &declared.id, 2, stop).await?);
            }
        }
        Ok((deviant, rounds))
    }
}
