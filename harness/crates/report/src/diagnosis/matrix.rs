//! The kill matrix: which checks fail under which deviation.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use harness_model::check::outcome::CheckVerdict;
use harness_model::scenario::model::Scenario;

use crate::ReportError;

use super::observed::{Cell, Observed};

const BUILT_IN: &str = include_str!("../../../../../fixtures/kill-matrix.json");

/// Checks by deviation and sub-test; sub-tests without any are omitted.
pub type Patterns = BTreeMap<String, Checks>;

/// The checks of one deviation, by the id of their sub-test; each named as in [`Cell::check`].
pub type Checks = BTreeMap<String, BTreeSet<String>>;

/// The contents of `fixtures/kill-matrix.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// The sub-tests that every deviation was tried on, with the digests of their files at that time.
    pub subtests: BTreeMap<String, String>,
    pub patterns: Patterns,
    /// Checks that fail in some runs only, or end in an error: evidence neither for nor against a deviation.
    pub wavering: Patterns,
}

impl Matrix {
    /// Returns the matrix that is compiled into the program.
    pub fn built_in() -> Result<Self, ReportError> {
        serde_json::from_str(BUILT_IN).map_err(ReportError::InvalidMatrix)
    }

    /// Replaces what is known about the sub-tests selected by `is_new` with what runs against one deviation observed.
    pub fn learn(&mut self, deviation: &str, observed: &Observed, is_new: impl Fn(&str) -> bool) {
        for list in [&mut self.patterns, &mut self.wavering] {
            if let Some(pattern) = list.get_mut(deviation) {
                pattern.retain(|subtest, _| !is_new(subtest));
            }
        }
        for (cell, found) in observed.cells.iter().filter(|(cell, _)| is_new(&cell.subtest)) {
            let list = match found.verdict {
                CheckVerdict::Fail | CheckVerdict::Waived => &mut self.patterns,
                _ if observed.wavering.contains(cell) => &mut self.wavering,
                // A check that ended in an error may have a verdict the next time.
                CheckVerdict::Error => &mut self.wavering,
                CheckVerdict::Pass | CheckVerdict::Skip => continue,
            };
            let pattern = list.entry(deviation.to_owned()).or_default();
            pattern.entry(cell.subtest.clone()).or_default().insert(cell.check.clone());
        }
        self.patterns.entry(deviation.to_owned()).or_default();
        self.wavering.retain(|_, pattern| !pattern.is_empty());
    }

    /// Returns the sub-tests that are not in the matrix, or were changed since.
    pub fn unknown<'a>(&self, scenarios: impl IntoIterator<Item = &'a Scenario>) -> BTreeSet<String> {
        let ran = scenarios.into_iter().filter(|scenario| scenario.skip.is_none());
        let unknown = ran.filter(|scenario| self.subtests.get(&scenario.id) != Some(&digest(scenario)));
        unknown.map(|scenario| scenario.id.clone()).collect()
    }

    /// Records that every deviation was tried on these sub-tests in their current form.
    pub fn know<'a>(&mut self, scenarios: impl IntoIterator<Item = &'a Scenario>) {
        self.subtests.extend(scenarios.into_iter().map(|scenario| (scenario.id.clone(), digest(scenario))));
    }

    /// Removes deviations and sub-tests that no longer exist.
    pub fn keep(&mut self, is_deviation: impl Fn(&str) -> bool, is_subtest: impl Fn(&str) -> bool) {
        self.subtests.retain(|subtest, _| is_subtest(subtest));
        for list in [&mut self.patterns, &mut self.wavering] {
            list.retain(|deviation, _| is_deviation(deviation));
            list.values_mut().for_each(|pattern| pattern.retain(|subtest, _| is_subtest(subtest)));
        }
    }

    /// Returns what is known of a deviation.
    pub fn pattern(&self, deviation: &str) -> Pattern<'_> {
        Pattern {
            tried: &self.subtests,
            failing: self.patterns.get(deviation),
            wavering: self.wavering.get(deviation),
        }
    }

    /// Returns the text of the file.
    pub fn render(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

/// The checks that fail under one deviation.
#[derive(Debug, Clone, Copy)]
pub struct Pattern<'m> {
    /// The sub-tests that every deviation was tried on.
    tried: &'m BTreeMap<String, String>,
    failing: Option<&'m Checks>,
    wavering: Option<&'m Checks>,
}

impl<'m> Pattern<'m> {
    /// Whether the deviation was tried on the sub-test.
    pub fn covers(&self, subtest: &str) -> bool {
        let known = |checks: Option<&Checks>| checks.is_some_and(|checks| checks.contains_key(subtest));
        self.tried.contains_key(subtest) || known(self.failing) || known(self.wavering)
    }

    /// Whether the check fails.
    pub fn fails(&self, cell: &Cell) -> bool {
        has(self.failing, cell)
    }

    /// Whether the check fails in some runs only.
    pub fn wavers(&self, cell: &Cell) -> bool {
        has(self.wavering, cell)
    }

    /// Returns the checks of a sub-test that fail.
    pub fn checks(&self, subtest: &str) -> impl Iterator<Item = &'m str> + use<'m> {
        self.failing.and_then(|checks| checks.get(subtest)).into_iter().flatten().map(String::as_str)
    }

    /// Returns all checks that fail.
    pub fn cells(&self) -> impl Iterator<Item = Cell> + use<'m> {
        self.failing.into_iter().flatten().flat_map(|(subtest, checks)| {
            checks.iter().map(|check| Cell { subtest: subtest.clone(), check: check.clone() })
        })
    }

    /// Returns the number of checks that fail.
    pub fn size(&self) -> usize {
        self.failing.into_iter().flatten().map(|(_, checks)| checks.len()).sum()
    }
}

fn has(checks: Option<&Checks>, cell: &Cell) -> bool {
    checks.and_then(|checks| checks.get(&cell.subtest)).is_some_and(|checks| checks.contains(&cell.check))
}

/// Returns the first bytes of the file's SHA-256 digest, enough to detect a change.
fn digest(scenario: &Scenario) -> String {
    let hash = Sha256::digest(scenario.source.text.as_bytes());
    hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::observed::Found;

    fn cell(subtest: &str, check: &str) -> Cell {
        Cell { subtest: subtest.to_owned(), check: check.to_owned() }
    }

    fn run(subtest: &str, verdicts: &[(&str, CheckVerdict)]) -> Observed {
        let mut observed = Observed::default();
        for (check, verdict) in verdicts {
            let found = Found { statements: Vec::new(), verdict: *verdict };
            observed.cells.insert(cell(subtest, check), found);
        }
        observed
    }

    #[test]
    fn learning_separates_wavering_checks_and_keeps_other_subtests() {
        use CheckVerdict::{Error, Fail, Pass};
        let mut matrix = Matrix::default();
        matrix.learn("d", &run("a/ST1", &[("of old", Fail)]), |_| true);
        matrix.learn("d", &run("a/ST2", &[("elsewhere", Fail)]), |subtest| subtest == "a/ST2");
        let mut observed =
            run("a/ST1", &[("always", Fail), ("once", Pass), ("never", Pass), ("unjudged", Error)]);
        observed.wavering.extend(observed.cells.keys().find(|cell| cell.check == "once").cloned());
        matrix.learn("d", &observed, |subtest| subtest == "a/ST1");
        let checks: Vec<Cell> = matrix.pattern("d").cells().collect();
        assert_eq!(checks, [cell("a/ST1", "always"), cell("a/ST2", "elsewhere")]);
        let wavering: Vec<&str> = matrix.wavering["d"]["a/ST1"].iter().map(String::as_str).collect();
        assert_eq!(wavering, ["once", "unjudged"]);
        matrix.keep(|_| true, |subtest| subtest != "a/ST1");
        assert_eq!(matrix.pattern("d").cells().collect::<Vec<_>>(), [cell("a/ST2", "elsewhere")]);
    }
}
