//! The kill matrix: which checks fail under which deviation.

use std::collections::{BTreeMap, BTreeSet};

use super::observed::{Cell, Observed};

const BUILT_IN: &str = include_str!("../../../fixtures/kill-matrix.json");

/// Which checks fail under which deviation, as `fixtures/kill-matrix.json` has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Matrix {
    /// By deviation and sub-test; sub-tests in which nothing fails are left out.
    pub patterns: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

/// The matrix that the program was built with is no matrix.
#[derive(Debug, thiserror::Error)]
#[error("fixtures/kill-matrix.json cannot be read: {0}; `harness selftest --write-matrix` makes it anew")]
pub struct MatrixError(serde_json::Error);

impl Matrix {
    /// What the program was built with.
    ///
    /// # Errors
    /// It has not the right form.
    pub fn built_in() -> Result<Self, MatrixError> {
        serde_json::from_str(BUILT_IN).map_err(MatrixError)
    }

    /// Takes in what failed under a deviation.
    pub fn learn(&mut self, deviation: &str, observed: &Observed) {
        let pattern = self.patterns.entry(deviation.to_owned()).or_default();
        for (cell, _) in observed.failed() {
            pattern.entry(cell.subtest.clone()).or_default().insert(cell.check.clone());
        }
    }

    /// Keeps of each pattern what the other has too: what fails in one run only is no pattern.
    pub fn keep_common(&mut self, other: &Self) {
        for (deviation, pattern) in &mut self.patterns {
            for (subtest, checks) in pattern.iter_mut() {
                checks.retain(|check| other.fails(deviation, subtest, check));
            }
            pattern.retain(|_, checks| !checks.is_empty());
        }
    }

    /// Whether something of the sub-test fails under the deviation.
    pub fn covers(&self, deviation: &str, subtest: &str) -> bool {
        self.patterns.get(deviation).is_some_and(|pattern| pattern.contains_key(subtest))
    }

    /// Whether the check fails under the deviation.
    pub fn fails(&self, deviation: &str, subtest: &str, check: &str) -> bool {
        self.checks(deviation, subtest).any(|known| known == check)
    }

    /// What fails of a sub-test under a deviation.
    pub fn checks<'a>(&'a self, deviation: &str, subtest: &str) -> impl Iterator<Item = &'a str> {
        let pattern = self.patterns.get(deviation).and_then(|pattern| pattern.get(subtest));
        pattern.into_iter().flatten().map(String::as_str)
    }

    /// All that fails under a deviation.
    pub fn cells(&self, deviation: &str) -> impl Iterator<Item = Cell> {
        let pattern = self.patterns.get(deviation).into_iter().flatten();
        pattern.flat_map(|(subtest, checks)| {
            checks.iter().map(|check| Cell { subtest: subtest.clone(), check: check.clone() })
        })
    }

    /// As the file has it.
    ///
    /// # Errors
    /// None that the types allow; the library's is passed on.
    pub fn render(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}
