//! Splits a text into secrets and the text between them.

use std::cmp::Reverse;
use std::ops::Range;

use super::known::{Known, LearntSecret};
use super::member::secret_values;
use super::pattern::{MIN_SECRET_LEN, PATTERNS, Visible};
use super::spelling::View;

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
    /// Of two matches of the same text the lower one says more.
    rank: u8,
}

/// Splits a text, in whose views every spelling of a secret is found.
pub(super) fn segments<'t>(text: &'t str, known: &Known) -> Vec<Segment<'t>> {
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

/// Whether a text is too short for a secret and has none by its name.
fn is_harmless(text: &str) -> bool {
    text.len() < MIN_SECRET_LEN
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -_.,/".contains(&byte))
}

/// Returns the secrets in order and without overlaps.
fn matches(text: &str, known: &Known) -> Vec<Match> {
    let mut matches = Vec::new();
    if is_harmless(text) {
        return matches;
    }
    View::of(text).for_each(&mut |view| {
        let mut add = |found: Match| {
            let range = whole_characters(text, view.origin(&found.range));
            matches.push(Match { range, ..found });
        };
        known.find(&view.bytes).into_iter().for_each(|(range, secret)| add(learnt(range, secret)));
        pattern_matches(&view.bytes).for_each(&mut add);
        secret_values(&view.bytes).into_iter().for_each(|value| {
            let hidden = hidden(value.range.len());
            let shown = if value.is_bare { format!("\"{hidden}\"") } else { hidden };
            add(Match { range: value.range, shown, variable: "SECRET".to_owned(), rank: 2 });
        });
    });
    matches.sort_by_key(|found| (found.range.start, Reverse(found.range.end), found.rank));
    without_overlaps(matches)
}

/// Merges overlapping matches: what remained of the second would show a part of it.
fn without_overlaps(matches: Vec<Match>) -> Vec<Match> {
    let mut separate: Vec<Match> = Vec::new();
    for found in matches {
        match separate.last_mut() {
            Some(last) if found.range.start < last.range.end => {
                if found.range.end > last.range.end {
                    last.range.end = found.range.end;
                    last.shown = hidden(last.range.len());
                }
            }
            _ if found.range.is_empty() => {}
            _ => separate.push(found),
        }
    }
    separate
}

fn learnt(range: Range<usize>, secret: &LearntSecret) -> Match {
    Match { range, shown: format!("${}", secret.variable), variable: secret.variable.clone(), rank: 0 }
}

fn pattern_matches(text: &[u8]) -> impl Iterator<Item = Match> {
    // Groups are looked for only where there is a match.
    PATTERNS.iter().filter(move |pattern| pattern.regex.is_match(text)).flat_map(move |pattern| {
        pattern.regex.captures_iter(text).filter_map(|captures| {
            let whole = captures.get(0)?;
            let visible = match pattern.visible {
                Visible::Prefix => captures.get(1).map_or(&b""[..], |group| group.as_bytes()),
                Visible::Nothing => b"",
            };
            let shown =
                format!("{}{}", String::from_utf8_lossy(visible), hidden(whole.len() - visible.len()));
            Some(Match { range: whole.range(), shown, variable: pattern.variable.to_owned(), rank: 1 })
        })
    })
}

/// What stands in place of a secret without a name.
pub(super) fn hidden(length: usize) -> String {
    format!("[{length} hidden]")
}

/// Widens a range to whole characters: a view may end within one.
fn whole_characters(text: &str, range: Range<usize>) -> Range<usize> {
    let start = (0..=range.start.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    let end = (range.end..=text.len()).find(|at| text.is_char_boundary(*at));
    start.unwrap_or_default()..end.unwrap_or(text.len())
}
