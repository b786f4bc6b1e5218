//! The report of a self-test: which deviations were caught, and which statements they prove.

pub mod html;
pub mod terminal;

use std::collections::BTreeMap;

use harness_model::requirement::{Level, Registry};
use harness_model::text::counted;
use harness_report::diagnosis::catalogue::Catalogue;

use crate::census;
use crate::self_test::DeviationOutcome;

#[derive(Debug, Clone, serde::Serialize)]
pub struct SelfTestReport {
    /// Whether the unmodified reference passes and every deviation is caught.
    pub passed: bool,
    pub duration_ms: u64,
    /// What fails on the unmodified reference.
    pub plain: Vec<String>,
    /// The deviations that were tried.
    pub deviations: Vec<DeviationReport>,
    /// In the registry's order.
    pub statements: Vec<StatementProof>,
    /// The `must` statements that fewer than three declared deviations break, in the registry's order.
    pub thin: Vec<ThinStatement>,
    pub totals: ProofTotals,
}

/// How many statements the caught deviations prove, documented ones and the reference's own choices apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct ProofTotals {
    pub documented: usize,
    /// Documented statements that a caught deviation breaks.
    pub proven: usize,
    /// Documented statements without proof, with a reason.
    pub excused: usize,
    /// Choices of the reference that a caught deviation breaks; the others need no proof.
    pub choices_proven: usize,
}

/// A statement that needs more deviations.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ThinStatement {
    pub id: String,
    /// How many deviations break it.
    pub deviations: usize,
}

/// What came of one deviation.
#[derive(Debug, Clone, serde::Serialize)]
pub struct DeviationReport {
    pub id: String,
    pub summary: String,
    /// How often its races were run.
    pub tries: usize,
    /// Whether it was tried again with the scenarios' own waits, since it was missed with shorter ones.
    pub waited_in_full: bool,
    /// Why it does not count as caught; empty if it does.
    pub missed: Vec<String>,
    /// The failed checks, by sub-test.
    pub failed: BTreeMap<String, Vec<String>>,
    pub duration_ms: u64,
}

#[derive(Debug, Clone, serde::Serialize)]
pub struct StatementProof {
    pub id: String,
    pub chapter: String,
    pub level: Level,
    /// The deviations that break it and are caught by a check that names it.
    pub by: Vec<String>,
    /// Why no deviation proves it, if `fixtures/unproven.toml` gives a reason.
    pub unproven: Option<String>,
}

impl SelfTestReport {
    pub fn new(
        plain: Vec<String>,
        outcomes: &[DeviationOutcome],
        catalogue: &Catalogue,
        registry: &Registry,
        duration_ms: u64,
    ) -> Self {
        let caught =
            |id: &str| outcomes.iter().any(|outcome| outcome.deviation == id && outcome.missed.is_empty());
        let statements: Vec<StatementProof> = registry
            .all()
            .iter()
            .filter_map(|requirement| {
                let by: Vec<String> = catalogue
                    .proving(&requirement.id)
                    .into_iter()
                    .filter(|declared| caught(&declared.id))
                    .map(|declared| declared.id.clone())
                    .collect();
                // Choices of the reference need no proof; those that have one are shown.
                (requirement.level != Level::Ours || !by.is_empty()).then(|| StatementProof {
                    id: requirement.id.clone(),
                    chapter: requirement.chapter().to_owned(),
                    level: requirement.level,
                    unproven: catalogue.unproven(&requirement.id).map(str::to_owned),
                    by,
                })
            })
            .collect();
        Self {
            passed: plain.is_empty() && outcomes.iter().all(|outcome| outcome.missed.is_empty()),
            duration_ms,
            totals: ProofTotals::of(&statements),
            statements,
            thin: census::thin(catalogue, registry)
                .into_iter()
                .map(|(id, deviations)| ThinStatement { id: id.to_owned(), deviations })
                .collect(),
            deviations: outcomes.iter().map(DeviationReport::new).collect(),
            plain,
        }
    }

    /// The verdict in words. A run of some deviations does not prove the whole kit.
    fn verdict(&self) -> &'static str {
        match (self.passed, self.is_partial()) {
            (true, false) => "every deviation is caught",
            (true, true) => "every selected deviation is caught",
            (false, _) => "the kit misses deviations",
        }
    }

    /// Whether some statements are neither proven nor excused, as when deviations were left out.
    fn is_partial(&self) -> bool {
        self.statements.iter().any(|statement| statement.by.is_empty() && statement.unproven.is_none())
    }

    /// The statements in their chapters, in order.
    fn chapters(&self) -> Vec<(&str, Vec<&StatementProof>)> {
        let mut chapters: Vec<(&str, Vec<&StatementProof>)> = Vec::new();
        for statement in &self.statements {
            match chapters.iter_mut().find(|(chapter, _)| *chapter == statement.chapter) {
                Some((_, statements)) => statements.push(statement),
                None => chapters.push((&statement.chapter, vec![statement])),
            }
        }
        chapters
    }

    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

impl ProofTotals {
    fn of(statements: &[StatementProof]) -> Self {
        let is_choice = |statement: &&StatementProof| statement.level == Level::Ours;
        let documented = || statements.iter().filter(|statement| !is_choice(statement));
        let is_proven = |statement: &&StatementProof| !statement.by.is_empty();
        Self {
            documented: documented().count(),
            proven: documented().filter(is_proven).count(),
            excused: documented()
                .filter(|statement| !is_proven(statement) && statement.unproven.is_some())
                .count(),
            choices_proven: statements.iter().filter(is_choice).filter(is_proven).count(),
        }
    }

    /// Returns the counts in the words that reports of runs use.
    pub fn in_words(&self) -> String {
        let excused = match self.excused {
            0 => String::new(),
            excused => format!(", {excused} with a reason why not"),
        };
        let choices = match self.choices_proven {
            0 => String::new(),
            proven => format!("; {} of the reference proven", counted(proven, "choice")),
        };
        format!(
            "{} of {} proven{excused}{choices}",
            self.proven,
            counted(self.documented, "documented statement")
        )
    }
}

impl DeviationReport {
    fn new(outcome: &DeviationOutcome) -> Self {
        let mut failed: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (cell, _) in outcome.observed.failed() {
            failed.entry(cell.subtest.clone()).or_default().push(cell.check.clone());
        }
        Self {
            id: outcome.deviation.clone(),
            summary: outcome.summary.clone(),
            tries: outcome.tries,
            waited_in_full: outcome.waited_in_full,
            missed: outcome.missed.clone(),
            failed,
            duration_ms: u64::try_from(outcome.duration.as_millis()).unwrap_or(u64::MAX),
        }
    }
}
