//! What is declared: the deviations, and the statements that none of them proves.

use serde::Deserialize;

use crate::ReportError;

const DEVIATIONS: &str = include_str!("../../../../../fixtures/deviations.toml");
const UNPROVEN: &str = include_str!("../../../../../fixtures/unproven.toml");

/// Everything declared.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// The deviations, in the file's order.
    pub deviations: Vec<Declared>,
    /// Statements without proof.
    pub unproven: Vec<Unproven>,
}

/// A deviation, as `fixtures/deviations.toml` has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// Its id, in kebab case.
    pub id: String,
    /// The defect, as reports show it.
    pub summary: String,
    /// The statements that it breaks; a check on each of them must fail.
    pub breaks: Vec<String>,
    /// The sub-tests that must find it; a check on a broken statement must fail in each of them.
    pub caught_by: Vec<String>,
}

/// Statements without proof, as `fixtures/unproven.toml` has them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unproven {
    /// Why no deviation proves them.
    pub reason: String,
    /// Their ids.
    pub statements: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deviations {
    deviation: Vec<Declared>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WithoutProof {
    unproven: Vec<Unproven>,
}

impl Catalogue {
    /// What the program was built with.
    ///
    /// # Errors
    /// A file has not the right form.
    pub fn built_in() -> Result<Self, ReportError> {
        Self::parse(DEVIATIONS, UNPROVEN)
    }

    /// Reads both files.
    ///
    /// # Errors
    /// A file has not the right form.
    pub fn parse(deviations: &str, unproven: &str) -> Result<Self, ReportError> {
        let form = |file| move |cause: toml::de::Error| ReportError::InvalidCatalogue { file, cause };
        let deviations: Deviations = toml::from_str(deviations).map_err(form("deviations.toml"))?;
        let without: WithoutProof = toml::from_str(unproven).map_err(form("unproven.toml"))?;
        Ok(Self { deviations: deviations.deviation, unproven: without.unproven })
    }

    /// The deviation of that id, if there is one.
    pub fn find(&self, id: &str) -> Option<&Declared> {
        self.deviations.iter().find(|declared| declared.id == id)
    }

    /// The deviations that break a statement.
    pub fn proving(&self, statement: &str) -> Vec<&Declared> {
        let breaks = |declared: &&Declared| declared.breaks.iter().any(|broken| broken == statement);
        self.deviations.iter().filter(breaks).collect()
    }

    /// Why no deviation proves the statement, if that is so.
    pub fn unproven(&self, statement: &str) -> Option<&str> {
        let named = |unproven: &&Unproven| unproven.statements.iter().any(|id| id == statement);
        self.unproven.iter().find(named).map(|unproven| unproven.reason.as_str())
    }
}
