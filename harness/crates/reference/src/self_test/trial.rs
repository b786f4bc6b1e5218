//! Tries one deviation: with shorter waits, and with the scenarios' own if it is missed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use harness_report::diagnosis::catalogue::Declared;
use harness_report::diagnosis::observed::Observed;
use harness_runner::run::{Stop, Turn};

use crate::ReferenceError;
use crate::active_deviation::ActiveDeviation;
use crate::census;

use super::{DeviationOutcome, OWN_TIME_LIMIT, Round, Scope, SelfTest, Waits, judgement};

/// How often sub-tests with a failed race are run again: a defect may show in one race and not in the next.
const RACE_REPETITIONS: usize = 2;
/// Sub-tests of one deviation that run at the same time.
const SUBTESTS_AT_ONCE: usize = 2;

/// A deviation that keeps the target from answering must not hold up the others.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// What the matrix learns must not depend on how busy the machine is.
const LEARNING_TIME_LIMIT: Duration = Duration::from_secs(90);

/// What came of running the sub-tests against a deviation.
#[derive(Default)]
struct Attempt {
    observed: Observed,
    tries: usize,
    missed: Vec<String>,
}

impl SelfTest {
    pub(super) async fn try_one(&self, declared: &Declared, turn: &Turn, stop: &Stop) -> DeviationOutcome {
        let begun = Instant::now();
        let time_limit = if self.scope == Scope::Declared { TIME_LIMIT } else { LEARNING_TIME_LIMIT };
        let hasty = Waits { library: &self.hasty, time_limit };
        let mut attempt = self.attempt(declared, hasty, turn, stop).await;
        let waits_in_full = self.may_have_been_hasty(declared, &attempt) && stop.end().is_none();
        if waits_in_full {
            let own = Waits { library: &self.library, time_limit: OWN_TIME_LIMIT };
            let again = self.attempt(declared, own, turn, stop).await;
            attempt = Attempt { tries: attempt.tries + again.tries, ..again };
        }
        let unchecked = census::unchecked(declared, &self.library);
        DeviationOutcome {
            deviation: declared.id.clone(),
            summary: declared.summary.clone(),
            observed: attempt.observed,
            tries: attempt.tries,
            waited_in_full: waits_in_full,
            missed: unchecked.into_iter().chain(attempt.missed).collect(),
            duration: begun.elapsed(),
        }
    }

    /// Whether shorter waits may be why a deviation was missed: a busy machine can take longer than many times what the plain
    /// reference took. A check that fails in some of several races is chance instead.
    fn may_have_been_hasty(&self, declared: &Declared, attempt: &Attempt) -> bool {
        let mut wavering = attempt.observed.wavering.iter();
        let has_run = attempt.tries > 0;
        self.scope == Scope::Declared
            && has_run
            && !attempt.missed.is_empty()
            && !wavering.any(|cell| declared.caught_by.contains(&cell.subtest))
    }

    async fn attempt(&self, declared: &Declared, waits: Waits<'_>, turn: &Turn, stop: &Stop) -> Attempt {
        match self.run_rounds(declared, waits, turn, stop).await {
            Ok((deviation, rounds)) => {
                let tries = rounds.len();
                let observed = Observed::steady(rounds);
                let mut missed = Vec::new();
                if !deviation.was_triggered() && self.scope == Scope::Declared {
                    missed.push("it changed no request, no response and no call of the agent".to_owned());
                }
                missed.extend(self.judge(declared, &observed));
                Attempt { observed, tries, missed }
            }
            Err(error) => Attempt { missed: vec![error.to_string()], ..Attempt::default() },
        }
    }

    fn judge(&self, declared: &Declared, observed: &Observed) -> Vec<String> {
        let (matrix, catalogue) = (&self.matrix, &self.catalogue);
        match self.scope {
            Scope::Declared => {
                let mut missed = judgement::misses(declared, observed);
                missed.extend(judgement::changes(declared, observed, matrix, catalogue));
                missed
            }
            Scope::AllSuites => judgement::differences(declared, observed, matrix, catalogue),
            Scope::Unlearned(_) => judgement::unjudged(declared, observed),
        }
    }

    async fn run_rounds(
        &self,
        declared: &Declared,
        waits: Waits<'_>,
        turn: &Turn,
        stop: &Stop,
    ) -> Result<(Arc<ActiveDeviation>, Vec<Observed>), ReferenceError> {
        let deviation = Arc::new(ActiveDeviation::new(declared)?);
        let target = || Arc::new(self.embedded.behind(Arc::clone(&deviation) as _));
        let affected = self.affected_subtests(declared, &deviation);
        let round = async |only: &BTreeSet<&str>, folder: String| {
            let round = Round { waits, only, folder: &folder, jobs: SUBTESTS_AT_ONCE, turn };
            Box::pin(self.run_subtests(target(), round, stop)).await
        };
        let mut first = round(&affected, declared.id.clone()).await?;
        if self.scope == Scope::AllSuites {
            self.traffic.add_unaffected(&mut first, &affected);
        }
        let races = self.failed_races(&first);
        let mut rounds = vec![first];
        if !races.is_empty() {
            let again = (1..=RACE_REPETITIONS).map(|n| round(&races, format!("{}-{n}", declared.id)));
            rounds.extend(futures::future::try_join_all(again).await?);
        }
        Ok((deviation, rounds))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use harness_model::library::{Library, load};
    use harness_report::diagnosis::catalogue::Catalogue;
    use harness_report::diagnosis::matrix::Matrix;
    use harness_report::diagnosis::observed::Cell;
    use harness_runner::run;

    use super::*;

    /// Steps that had no time: none of their checks is judged.
    fn without_patience(mut library: Library) -> Library {
        for scenario in &mut library.scenarios {
            Arc::make_mut(scenario).steps.clear();
        }
        library
    }

    async fn outcome(deviation: &str, is_patient_later: bool) -> DeviationOutcome {
        let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../scenarios");
        let library = load(&scenarios, Path::new("scenarios")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (catalogue, matrix) = (Catalogue::built_in().unwrap(), Matrix::built_in().unwrap());
        let declared = catalogue.find(deviation).unwrap().clone();
        let mut self_test = SelfTest::new(library, catalogue, matrix, 2, folder.path());
        self_test.hasty = without_patience(self_test.library.clone());
        if !is_patient_later {
            self_test.library = self_test.hasty.clone();
        }
        let (_stopper, stop) = run::stop();
        self_test.try_one(&declared, &Turn::default(), &stop).await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_a_hasty_try_misses_is_tried_again_with_the_scenarios_own_waits() {
        let caught = outcome("api-key-id-is-no-uuid", true).await;
        assert_eq!((caught.missed, caught.waited_in_full, caught.tries), (Vec::new(), true, 2));
        let missed = outcome("api-key-id-is-no-uuid", false).await;
        assert!(!missed.missed.is_empty() && missed.waited_in_full, "{missed:?}");
    }

    #[test]
    fn chance_and_mistakes_are_not_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../scenarios");
        let library = load(&scenarios, Path::new("scenarios")).unwrap();
        let (catalogue, matrix) = (Catalogue::built_in().unwrap(), Matrix::built_in().unwrap());
        let declared = catalogue.find("reuse-under-concurrency").unwrap().clone();
        let self_test = SelfTest::new(library, catalogue, matrix, 2, folder.path());
        let attempt = |tries, missed: &[&str], wavers: bool| {
            let cell = Cell { subtest: declared.caught_by[0].clone(), check: "a check".to_owned() };
            let mut observed = Observed::default();
            observed.wavering.extend(wavers.then_some(cell));
            Attempt { observed, tries, missed: missed.iter().map(|line| (*line).to_owned()).collect() }
        };
        let is_tried_again = |attempt| self_test.may_have_been_hasty(&declared, &attempt);
        assert!(is_tried_again(attempt(1, &["diagnosed as another"], false)));
        assert!(!is_tried_again(attempt(1, &[], false)));
        assert!(!is_tried_again(attempt(3, &["not proven"], true)));
        assert!(!is_tried_again(attempt(0, &["not implemented"], false)));
    }
}
