//! The declared deviations, and the statements that none of them proves.

use serde::Deserialize;

use crate::ReportError;

const DEVIATIONS: &str = include_str!("../../../../../fixtures/deviations.toml");
const UNPROVEN: &str = include_str!("../../../../../fixtures/unproven.toml");

#[derive(Debug, Clone)]
pub struct Catalogue {
    /// The deviations, in the file's order.
    pub deviations: Vec<Declared>,
    pub unproven: Vec<Unproven>,
}

/// A deviation in `fixtures/deviations.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// The id in kebab case.
    pub id: String,
    /// The defect, as reports show it.
    pub summary: String,
    /// The statements it breaks; a check of each of them must fail.
    pub breaks: Vec<String>,
    /// The sub-tests that must detect it; in each of them, a check of a broken statement must fail.
    pub caught_by: Vec<String>,
}

/// Statements without proof in `fixtures/unproven.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unproven {
    /// Why no deviation proves them.
    pub reason: String,
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
    /// Returns the declarations that are compiled into the program.
    pub fn built_in() -> Result<Self, ReportError> {
        Self::parse(DEVIATIONS, UNPROVEN)
    }

    pub fn parse(deviations: &str, unproven: &str) -> Result<Self, ReportError> {
        let invalid = |file| move |cause: toml::de::Error| ReportError::InvalidCatalogue { file, cause };
        let deviations: Deviations = toml::from_str(deviations).map_err(invalid("deviations.toml"))?;
        let without: WithoutProof = toml::from_str(unproven).map_err(invalid("unproven.toml"))?;
        Ok(Self { deviations: deviations.deviation, unproven: without.unproven })
    }

    pub fn find(&self, id: &str) -> Option<&Declared> {
        self.deviations.iter().find(|declared| declared.id == id)
    }

    /// Returns the deviations that break a statement.
    pub fn proving(&self, statement: &str) -> Vec<&Declared> {
        let breaks = |declared: &&Declared| declared.breaks.iter().any(|broken| broken == statement);
        self.deviations.iter().filter(breaks).collect()
    }

    /// Returns why no deviation proves the statement, if none does.
    pub fn unproven(&self, statement: &str) -> Option<&str> {
        let named = |unproven: &&Unproven| unproven.statements.iter().any(|id| id == statement);
        self.unproven.iter().find(named).map(|unproven| unproven.reason.as_str())
    }
}
