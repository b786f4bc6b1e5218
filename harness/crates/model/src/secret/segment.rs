//! Splits a text into secrets and the text between them.

use std::cmp::Reverse;
use std::ops::Range;

use super::pattern::{PATTERNS, Visible};

#[derive(Clone, PartialEq, Eq)]
pub struct LearntSecret {
    pub value: String,
    /// The shell variable that replaces it in commands.
    pub variable: String,
}

/// A part of a text.
pub(super) enum Segment<'t> {
    Plain(&'t str),
    Secret {
        text: &'t str,
        /// What replaces it in reports.
        shown: String,
        /// The shell variable that replaces it in commands.
        variable: String,
    },
}

struct Match {
    range: Range<usize>,
    shown: String,
    variable: String,
}

pub(super) fn segments<'t>(text: &'t str, known: &[LearntSecret]) -> Vec<Segment<'t>> {
    let part = |range: Range<usize>| text.get(range).unwrap_or_default();
    let mut segments = Vec::new();
    let mut end = 0;
    for found in matches(text, known) {
        if found.range.start > end {
            segments.push(Segment::Plain(part(end..found.range.start)));
        }
        end = found.range.end;
        segments.push(Segment::Secret {
            text: part(found.range),
            shown: found.shown,
            variable: found.variable,
        });
    }
    if end < text.len() {
        segments.push(Segment::Plain(part(end..text.len())));
    }
    segments
}

/// Returns the secrets in order and without overlaps.
fn matches(text: &str, known: &[LearntSecret]) -> Vec<Match> {
    let mut matches: Vec<Match> =
        known.iter().flat_map(|secret| learnt_matches(text, secret)).chain(pattern_matches(text)).collect();
    matches.sort_by_key(|found| (found.range.start, Reverse(found.range.end)));
    let mut end = 0;
    matches.retain(|found| {
        let is_separate = found.range.start >= end;
        if is_separate {
            end = found.range.end;
        }
        is_separate
    });
    matches
}

fn learnt_matches(text: &str, secret: &LearntSecret) -> impl Iterator<Item = Match> {
    text.match_indices(secret.value.as_str()).map(|(start, _)| Match {
        range: start..start + secret.value.len(),
        shown: format!("${}", secret.variable),
        variable: secret.variable.clone(),
    })
}

fn pattern_matches(text: &str) -> Vec<Match> {
    let mut matches = Vec::new();
    for pattern in PATTERNS.iter() {
        for captures in pattern.regex.captures_iter(text) {
            let Some(whole) = captures.get(0) else { continue };
            let visible = captures.get(1).map_or("", |group| group.as_str());
            let redacted = format!("[{} hidden]", whole.len() - visible.len());
            let (start, shown) = match pattern.visible {
                Visible::FieldName => (whole.start() + visible.len(), redacted),
                Visible::Prefix | Visible::Nothing => (whole.start(), format!("{visible}{redacted}")),
            };
            let variable = pattern.variable.to_owned();
            matches.push(Match { range: start..whole.end(), shown, variable });
        }
    }
    matches
}
