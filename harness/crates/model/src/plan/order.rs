//! The execution order of a plan.

use super::selection::hash;
use super::{Plan, PlannedSubtest};

impl Plan {
    /// Returns the number of runs of sub-tests, repetitions included.
    pub fn runs(&self) -> usize {
        self.subtests.len().saturating_mul(self.repetitions())
    }

    /// Returns how often each sub-test runs.
    pub fn repetitions(&self) -> usize {
        usize::try_from(self.selection.repeat.max(1)).unwrap_or(usize::MAX)
    }

    /// Returns the index in [`Plan::subtests`] of a run.
    pub fn position(&self, run: usize) -> usize {
        run.checked_rem(self.subtests.len()).unwrap_or_default()
    }

    /// Returns the sub-test of a run.
    pub fn planned(&self, run: usize) -> Option<&PlannedSubtest> {
        self.subtests.get(self.position(run))
    }

    /// Returns the runs of a repetition in the order in which they start. With a seed, each repetition has a
    /// different order, and the same seed reproduces all of them.
    pub fn order(&self, repetition: usize) -> Vec<usize> {
        let count = self.subtests.len();
        let mut order: Vec<usize> = (0..count).collect();
        if let Some(seed) = self.selection.shuffle {
            let seed = seed.wrapping_add(u64::try_from(repetition).unwrap_or_default());
            order.sort_by_cached_key(|at| self.subtests.get(*at).map(|one| hash(seed, &one.scenario.id)));
        }
        order.into_iter().map(|at| repetition * count + at).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plan::tests::scenario;

    fn plan(count: usize, shuffle: Option<u64>) -> Plan {
        let named = |n| Arc::new(scenario("keys", &format!("c/ST{n}"), "t", &[]));
        let subtests = (0..count).map(|n| PlannedSubtest::new(named(n)));
        let selection = crate::plan::Selection { shuffle, repeat: 3, ..Default::default() };
        Plan { subtests: subtests.collect(), selection, ..Plan::default() }
    }

    #[test]
    fn seed_determines_the_order_of_each_repetition() {
        let (seven, again, eight) = (plan(20, Some(7)), plan(20, Some(7)), plan(20, Some(8)));
        assert_eq!(seven.order(0), again.order(0));
        assert_ne!(seven.order(0), eight.order(0));
        assert_eq!(plan(20, None).order(1), (20..40).collect::<Vec<_>>());
        let second: Vec<usize> = seven.order(1).iter().map(|run| seven.position(*run)).collect();
        assert_ne!(seven.order(0), second);
        let mut sorted = seven.order(1);
        sorted.sort_unstable();
        assert_eq!(sorted, (20..40).collect::<Vec<_>>());
    }

    #[test]
    fn runs_are_numbered_consecutively() {
        let plan = plan(4, None);
        assert_eq!((plan.runs(), plan.position(9)), (12, 1));
        assert_eq!(plan.planned(9).unwrap().scenario.id, "c/ST1");
        assert!(Plan::default().planned(0).is_none());
    }
}
