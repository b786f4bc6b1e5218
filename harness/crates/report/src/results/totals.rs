use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use harness_model::requirement::Level;

use super::requirement::RequirementResult;
use super::subtest::SubtestResult;

/// Sub-tests, checks, documented statements and choices of the reference counted by verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Sub-tests by verdict, and `total`.
    pub subtests: BTreeMap<String, usize>,
    /// Checks by verdict, and `total`.
    pub checks: BTreeMap<String, usize>,
    /// Documented statements by verdict, and `total`.
    pub requirements: BTreeMap<String, usize>,
    /// Choices of the reference by verdict, and `total`: zero on any other target.
    #[serde(default)]
    pub choices: BTreeMap<String, usize>,
}

impl Totals {
    pub fn of(subtests: &[SubtestResult], requirements: &[RequirementResult]) -> Self {
        let checks = subtests.iter().flat_map(|subtest| &subtest.checks).map(|check| check.verdict);
        Self {
            subtests: counted(
                &["pass", "fail", "skip", "error", "waived"],
                subtests.iter().map(|subtest| subtest.verdict),
            ),
            checks: counted(&["pass", "fail", "skip", "error", "waived"], checks),
            requirements: statements(requirements, |level| level != Level::Ours),
            choices: statements(requirements, |level| level == Level::Ours),
        }
    }
}

fn statements(all: &[RequirementResult], is_counted: impl Fn(Level) -> bool) -> BTreeMap<String, usize> {
    let counted_ones = all.iter().filter(|statement| is_counted(statement.level));
    counted(&["verified", "violated", "unverified"], counted_ones.map(|statement| statement.verdict))
}

/// Counts each verdict. Verdicts that do not occur are present with zero.
fn counted<V: Serialize>(names: &[&str], verdicts: impl Iterator<Item = V>) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<String, usize> = names.iter().map(|name| ((*name).to_owned(), 0)).collect();
    let mut total = 0;
    for verdict in verdicts {
        total += 1;
        let name = serde_json::to_value(verdict).ok();
        if let Some(name) = name.as_ref().and_then(serde_json::Value::as_str) {
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }
    counts.insert("total".to_owned(), total);
    counts
}
