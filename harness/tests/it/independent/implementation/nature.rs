//! What an implementation does otherwise than usual.

use super::departure::Departure;
use crate::independent::choices::Choice;

/// A departure from the documents, if any, and the choices that are made in another way than usual.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nature {
    departure: Option<Departure>,
    choices: Vec<Choice>,
}

impl Nature {
    pub(crate) fn departing(departure: Departure) -> Self {
        Self { departure: Some(departure), choices: Vec::new() }
    }

    pub(crate) fn choosing(choices: &[Choice]) -> Self {
        Self { departure: None, choices: choices.to_vec() }
    }

    pub(crate) fn departs(&self, departure: Departure) -> bool {
        self.departure == Some(departure)
    }

    pub(crate) fn chooses(&self, choice: Choice) -> bool {
        self.choices.contains(&choice)
    }

    /// The choices by name, as the agent's script reads them.
    pub(crate) fn names(&self) -> String {
        self.choices.iter().map(|choice| format!("{choice:?}")).collect::<Vec<_>>().join(" ")
    }
}
