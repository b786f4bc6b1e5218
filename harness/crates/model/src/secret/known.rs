//! The secrets that a sub-test has learnt, and where a text has them.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::spelling::without_escapes;

#[derive(Clone, PartialEq, Eq)]
pub struct LearntSecret {
    pub value: String,
    /// The shell variable that replaces it in commands.
    pub variable: String,
}

/// A list of secrets that grows.
#[derive(Default)]
pub(super) struct Known {
    secrets: Vec<LearntSecret>,
    /// They find the secrets, each its part of the list. What was learnt since the last search is not among them yet.
    finders: Mutex<Vec<Finder>>,
}

/// An automaton for some of the secrets. It takes longer to build than to search a text, so that a new secret gets one of
/// its own; those of the same size become one, as in a binary counter.
struct Finder {
    automaton: Option<AhoCorasick>,
    /// Its part of the list.
    secrets: Range<usize>,
    /// The secret that each pattern of the automaton spells.
    spelled: Vec<usize>,
}

impl Known {
    pub(super) fn secrets(&self) -> &[LearntSecret] {
        &self.secrets
    }

    pub(super) fn contains(&self, value: &str) -> bool {
        self.secrets.iter().any(|known| known.value == value)
    }

    pub(super) fn add(&mut self, secret: LearntSecret) {
        if !self.contains(&secret.value) {
            self.secrets.push(secret);
        }
    }

    /// Returns every place where a secret is, without regard to case. They may overlap.
    pub(super) fn find(&self, text: &[u8]) -> Vec<(Range<usize>, &LearntSecret)> {
        let mut finders = self.finders.lock().unwrap_or_else(PoisonError::into_inner);
        self.cover(&mut finders);
        let mut found = Vec::new();
        for finder in finders.iter() {
            let Some(automaton) = &finder.automaton else { continue };
            let secret = |pattern: usize| self.secrets.get(*finder.spelled.get(pattern)?);
            found.extend(
                automaton
                    .find_overlapping_iter(text)
                    .filter_map(|found| Some((found.range(), secret(found.pattern().as_usize())?))),
            );
        }
        found
    }

    /// Builds what is missing so that the finders cover all secrets.
    fn cover(&self, finders: &mut Vec<Finder>) {
        let mut start = finders.last().map_or(0, |last| last.secrets.end);
        if start == self.secrets.len() {
            return;
        }
        while let Some(last) = finders.pop_if(|last| last.secrets.len() <= self.secrets.len() - start) {
            start = last.secrets.start;
        }
        finders.push(Finder::of(&self.secrets, start));
    }
}

impl From<Vec<LearntSecret>> for Known {
    fn from(secrets: Vec<LearntSecret>) -> Self {
        Self { secrets, finders: Mutex::default() }
    }
}

impl Finder {
    /// Finds the secrets from `start` on.
    fn of(known: &[LearntSecret], start: usize) -> Self {
        let (mut spellings, mut spelled) = (Vec::new(), Vec::new());
        for (position, secret) in known.iter().enumerate().skip(start) {
            for spelling in spellings_of(&secret.value) {
                spellings.push(spelling);
                spelled.push(position);
            }
        }
        let mut builder = AhoCorasick::builder();
        // A DFA would cost more than it saves.
        builder.kind(Some(AhoCorasickKind::ContiguousNFA));
        builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard);
        Self { automaton: builder.build(spellings).ok(), secrets: start..known.len(), spelled }
    }
}

/// Returns the spellings that decoding does not undo: a form writes a blank as `+`, which is as well a `+` itself; and
/// a secret that looks escaped is found in a view from which escapes are removed.
fn spellings_of(secret: &str) -> Vec<String> {
    let mut spellings =
        vec![secret.to_owned(), without_escapes(secret), secret.replace(' ', "+"), secret.replace('+', " ")];
    spellings.sort();
    spellings.dedup();
    spellings.retain(|spelling| spelling.len() >= super::MIN_SECRET_LEN);
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(number: usize) -> LearntSecret {
        LearntSecret { value: format!("secret-number-{number}."), variable: format!("S{number}") }
    }

    #[test]
    fn secrets_learnt_between_searches_are_found_with_few_automata() {
        let mut known = Known::default();
        for number in 0..100 {
            known.add(secret(number));
            known.add(secret(number));
            let text = format!("{} {}", secret(number).value, secret(number / 2).value.to_uppercase());
            let found = known.find(text.as_bytes());
            let variables: Vec<&str> = found.iter().map(|(_, secret)| secret.variable.as_str()).collect();
            for wanted in [number, number / 2] {
                assert!(variables.contains(&secret(wanted).variable.as_str()), "{number}: {variables:?}");
            }
        }
        assert!(known.finders.lock().unwrap().len() <= 7);
        assert_eq!(Known::from((0..100).map(secret).collect::<Vec<_>>()).find(b"SECRET-number-42.").len(), 1);
    }

    #[test]
    fn overlapping_secrets_are_all_found() {
        let of = |values: &[&str]| {
            let learnt = |value: &&str| LearntSecret { value: (*value).to_owned(), variable: "S".to_owned() };
            Known::from(values.iter().map(learnt).collect::<Vec<_>>())
        };
        let ranges = |known: &Known| {
            let mut ranges: Vec<_> =
                known.find(b"abcdefghijklmnop").into_iter().map(|(range, _)| range).collect();
            ranges.sort_by_key(|range| (range.start, range.end));
            ranges
        };
        assert_eq!(ranges(&of(&["abcdefghij", "abcdefgh", "efghijklmn"])), [0..8, 0..10, 4..14]);
    }
}
