//! What a run did not judge, grouped by reason.

use crate::coverage::StatementVerdict;
use crate::headline;
use crate::results::Results;
use harness_model::requirement::Level;
use harness_model::text::counted;

/// What was not judged for one reason.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unjudged<'a> {
    pub reason: &'a str,
    pub subtests: Vec<&'a str>,
    /// The documented statements without a verdict.
    pub statements: Vec<&'a str>,
    /// The documented statements that were verified in part.
    pub in_part: Vec<&'a str>,
}

/// Groups the skipped sub-tests, and the statements that are not or only partly verified, by reason. What lacks most
/// statements comes first, what was not selected last.
pub fn unjudged(results: &Results) -> Vec<Unjudged<'_>> {
    let mut groups: Vec<Unjudged<'_>> = headline::skips(results)
        .into_iter()
        .map(|(reason, subtests)| Unjudged { reason, subtests, ..Unjudged::default() })
        .collect();
    for statement in results.requirements.iter().filter(|statement| statement.level != Level::Ours) {
        if statement.verdict == StatementVerdict::Violated {
            continue;
        }
        // A statement may lack checks for several reasons: it is counted under one that skipped sub-tests, or the first.
        let reasons = || statement.unjudged.iter().chain(&statement.reason).map(String::as_str);
        let Some(reason) = reasons().next() else { continue };
        let known = groups
            .iter()
            .position(|group| !group.subtests.is_empty() && reasons().any(|reason| reason == group.reason))
            .or_else(|| groups.iter().position(|group| group.reason == reason));
        let position = known.unwrap_or_else(|| {
            groups.push(Unjudged { reason, ..Unjudged::default() });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(position) {
            let list = match statement.verdict {
                StatementVerdict::Verified => &mut group.in_part,
                _ => &mut group.statements,
            };
            list.push(&statement.id);
        }
    }
    groups.sort_by_key(|group| {
        let is_unselected = group.reason == crate::coverage::NOT_SELECTED;
        (is_unselected, std::cmp::Reverse(group.statements.len()), std::cmp::Reverse(group.subtests.len()))
    });
    groups
}

impl Unjudged<'_> {
    /// Returns the counts: `2 sub-tests, 3 statements, 1 in part`.
    pub fn counts(&self) -> String {
        let mut parts = Vec::new();
        if !self.subtests.is_empty() {
            parts.push(counted(self.subtests.len(), "sub-test"));
        }
        if !self.statements.is_empty() {
            parts.push(counted(self.statements.len(), "statement"));
        }
        match (self.in_part.len(), self.statements.len()) {
            (0, _) => {}
            (in_part, 0) => parts.push(format!("{} in part", counted(in_part, "statement"))),
            (in_part, _) => parts.push(format!("{in_part} more in part")),
        }
        parts.join(", ")
    }
}
