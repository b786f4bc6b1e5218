//! Which row of a step has finished.

use harness_model::scenario::model::Span;

/// Counts the rows of the steps of one sub-test: the rows of a step finish in order, with no other step in between.
#[derive(Debug, Clone, Default)]
pub struct RowCounter {
    latest: Option<Position>,
}

#[derive(Debug, Clone)]
struct Position {
    step: Span,
    row: usize,
}

impl RowCounter {
    /// Returns the row, from 0, that the step has just finished for.
    pub fn next(&mut self, step: &Span) -> usize {
        let row = match &self.latest {
            Some(latest) if latest.step == *step => latest.row + 1,
            _ => 0,
        };
        self.latest = Some(Position { step: step.clone(), row });
        row
    }
}
