//! What an implementation does otherwise than usual.

use super::departure::Departure;
use crate::independent::choices::Choice;

/// Departures from the documents, and the choices that are made in another way than usual.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nature {
    departures: Vec<Departure>,
    choices: Vec<Choice>,
}

impl Nature {
    pub(crate) fn departing(departures: Vec<Departure>) -> Self {
        Self { departures, choices: Vec::new() }
    }

    pub(crate) fn choosing(choices: &[Choice]) -> Self {
        Self { departures: Vec::new(), choices: choices.to_vec() }
    }

    pub(crate) fn departs(&self, departure: Departure) -> bool {
        self.departures.contains(&departure)
    }

    pub(crate) fn chooses(&self, choice: Choice) -> bool {
        self.choices.contains(&choice)
    }

    /// The choices by name, as the agent's script reads them.
    pub(crate) fn names(&self) -> String {
        self.choices.iter().map(|choice| format!("{choice:?}")).collect::<Vec<_>>().join(" ")
    }
}
