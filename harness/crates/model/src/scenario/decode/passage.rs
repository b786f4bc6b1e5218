//! Decodes `advance` and `wait`: time that passes for the target.

use std::time::Duration;

use crate::scenario::model::Passage;
use crate::source::document::{Entry, Table};

use super::Decoder;

/// The longest that `wait` may take: nobody waits for days.
const MAX_WAIT: Duration = Duration::from_hours(2);

impl Decoder<'_> {
    pub(super) fn passage(&mut self, table: &Table<'_, '_>, verb: &Entry<'_, '_>) -> Option<Passage> {
        let duration = self.duration(verb);
        let tokens = table.get("keeping").map(|entry| entry.strings(&mut self.report)).unwrap_or_default();
        let keeping = tokens.into_iter().map(|token| self.template(token)).collect();
        Some(Passage { duration: duration?, keeping })
    }

    pub(super) fn wait(&mut self, table: &Table<'_, '_>, verb: &Entry<'_, '_>) -> Option<Passage> {
        let passage = self.passage(table, verb)?;
        if passage.duration > MAX_WAIT {
            self.report.error_with_help(
                verb.span(),
                "`wait` takes 2 hours at most, since targets without a clock hook are waited for",
                "use `advance`, which leaves the sub-test to targets with a clock hook",
            );
        }
        Some(passage)
    }
}
