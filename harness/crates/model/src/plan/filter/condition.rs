//! The condition that a filter expresses.

use std::sync::Arc;

use globset::GlobMatcher;

use crate::scenario::model::Scenario;

#[derive(Debug, Clone)]
pub(super) enum Condition {
    Id(GlobMatcher),
    /// The name of a chapter or a file.
    Name(GlobMatcher),
    Verifies(GlobMatcher),
    Suite(GlobMatcher),
    /// The name of a capability.
    Needs(GlobMatcher),
    /// Text in lower case.
    Title(String),
    Not(Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

impl Condition {
    pub(super) fn holds(&self, scenario: &Scenario) -> bool {
        match self {
            Self::Id(glob) => glob.is_match(&scenario.id),
            Self::Name(glob) => scenario.id.split('/').any(|part| glob.is_match(part)),
            Self::Verifies(glob) => scenario.statements().any(|id| glob.is_match(id)),
            Self::Suite(glob) => glob.is_match(&scenario.suite),
            Self::Needs(glob) => scenario.needs.iter().any(|need| glob.is_match(need.name())),
            Self::Title(text) => scenario.title.to_lowercase().contains(text),
            Self::Not(condition) => !condition.holds(scenario),
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(scenario)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(scenario)),
        }
    }

    /// Adds the terms that match none of the scenarios, each as written, to `idle`.
    pub(super) fn add_idle(&self, scenarios: &[Arc<Scenario>], idle: &mut Vec<String>) {
        let term = match self {
            Self::Id(glob) | Self::Name(glob) => glob.glob().to_string(),
            Self::Verifies(glob) => format!("verifies={}", glob.glob()),
            Self::Suite(glob) => format!("suite={}", glob.glob()),
            Self::Needs(glob) => format!("needs={}", glob.glob()),
            Self::Title(text) => format!("title~{text}"),
            Self::Not(condition) => return condition.add_idle(scenarios, idle),
            Self::All(conditions) | Self::Any(conditions) => {
                return conditions.iter().for_each(|condition| condition.add_idle(scenarios, idle));
            }
        };
        if !scenarios.iter().any(|scenario| self.holds(scenario)) && !idle.contains(&term) {
            idle.push(term);
        }
    }
}
