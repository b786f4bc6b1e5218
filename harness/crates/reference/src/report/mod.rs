//! What a self-test found: the matrix of statements and deviations, and what is not proven.

pub mod html;
pub mod terminal;

use std::collections::BTreeMap;

use crate::proof::Proof;
use harness_model::requirement::{Level, Registry};
use harness_report::diagnosis::catalogue::Catalogue;

/// A self-test, as its reports have it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SelfTest {
    /// Whether the plain reference passes and every deviation is caught.
    pub passed: bool,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What fails with nothing in front of the reference.
    pub plain: Vec<String>,
    /// The deviations that were tried.
    pub deviations: Vec<Tried>,
    /// The statements, in the registry's order.
    pub statements: Vec<Proven>,
}

/// One deviation.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Tried {
    /// Its id.
    pub id: String,
    /// What is wrong with it.
    pub wrong: String,
    /// How often its races were run.
    pub tries: usize,
    /// Why it does not count as caught; empty if it does.
    pub missed: Vec<String>,
    /// The failed checks, by sub-test.
    pub failed: BTreeMap<String, Vec<String>>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// One statement.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Proven {
    /// Its id.
    pub id: String,
    /// Its chapter.
    pub chapter: String,
    /// The deviations that break it and are caught by a check that names it.
    pub by: Vec<String>,
    /// Why there are none, if that is known.
    pub unproven: Option<String>,
}

impl SelfTest {
    /// The report of what was found.
    pub fn of(
        plain: Vec<String>,
        proofs: &[Proof],
        catalogue: &Catalogue,
        registry: &Registry,
        duration_ms: u64,
    ) -> Self {
        let caught = |id: &str| proofs.iter().any(|proof| proof.deviation == id && proof.missed.is_empty());
        let statements = registry.all().iter().filter_map(|requirement| {
            let by: Vec<String> = catalogue
                .proving(&requirement.id)
                .into_iter()
                .filter(|declared| caught(&declared.id))
                .map(|declared| declared.id.clone())
                .collect();
            // A choice of the reference needs no proof; one that has it is shown.
            (requirement.level != Level::Ours || !by.is_empty()).then(|| Proven {
                id: requirement.id.clone(),
                chapter: requirement.chapter().to_owned(),
                unproven: catalogue.unproven(&requirement.id).map(str::to_owned),
                by,
            })
        });
        Self {
            passed: plain.is_empty() && proofs.iter().all(|proof| proof.missed.is_empty()),
            duration_ms,
            statements: statements.collect(),
            deviations: proofs.iter().map(Tried::of).collect(),
            plain,
        }
    }

    /// What it says about the kit; of a part of the deviations it says less.
    fn words(&self) -> &'static str {
        match (self.passed, self.is_partial()) {
            (true, false) => "the kit proves itself",
            (true, true) => "what was tried is caught",
            (false, _) => "the kit does not prove itself",
        }
    }

    /// Whether deviations were left out.
    fn is_partial(&self) -> bool {
        self.statements.iter().any(|statement| statement.by.is_empty() && statement.unproven.is_none())
    }

    /// The statements in their chapters, in order.
    fn chapters(&self) -> Vec<(&str, Vec<&Proven>)> {
        let mut chapters: Vec<(&str, Vec<&Proven>)> = Vec::new();
        for statement in &self.statements {
            match chapters.iter_mut().find(|(chapter, _)| *chapter == statement.chapter) {
                Some((_, statements)) => statements.push(statement),
                None => chapters.push((&statement.chapter, vec![statement])),
            }
        }
        chapters
    }

    /// The `json` report.
    ///
    /// # Errors
    /// None that the types allow; the library's is passed on.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

impl Tried {
    fn of(proof: &Proof) -> Self {
        let mut failed: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (cell, _) in proof.observed.failed() {
            failed.entry(cell.subtest.clone()).or_default().push(cell.check.clone());
        }
        Self {
            id: proof.deviation.clone(),
            wrong: proof.wrong.clone(),
            tries: proof.tries,
            missed: proof.missed.clone(),
            failed,
            duration_ms: u64::try_from(proof.took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}
