//! The secrets that a sub-test has learnt, and where a text has them.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

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
    /// Finds them; built when it is first needed after the list has grown.
    finder: Mutex<Option<Arc<Finder>>>,
}

struct Finder {
    automaton: Option<AhoCorasick>,
    /// The secret that each pattern of the automaton spells.
    secrets: Vec<usize>,
}

impl Known {
    pub(super) fn of(secrets: Vec<LearntSecret>) -> Self {
        Self { secrets, finder: Mutex::default() }
    }

    pub(super) fn secrets(&self) -> &[LearntSecret] {
        &self.secrets
    }

    pub(super) fn add(&mut self, secret: LearntSecret) {
        if !self.secrets.iter().any(|known| known.value == secret.value) {
            self.secrets.push(secret);
            *self.finder.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// Returns where secrets are, without regard to case.
    pub(super) fn find<'a>(
        &'a self,
        text: &'a [u8],
    ) -> impl Iterator<Item = (Range<usize>, &'a LearntSecret)> {
        let finder = self.finder();
        let found: Vec<(Range<usize>, usize)> = match &finder.automaton {
            Some(automaton) => automaton
                .find_iter(text)
                .filter_map(|found| Some((found.range(), *finder.secrets.get(found.pattern().as_usize())?)))
                .collect(),
            None => Vec::new(),
        };
        found.into_iter().filter_map(|(range, secret)| Some((range, self.secrets.get(secret)?)))
    }

    fn finder(&self) -> Arc<Finder> {
        let mut finder = self.finder.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(finder.get_or_insert_with(|| Arc::new(Finder::of(&self.secrets))))
    }
}

impl Finder {
    fn of(known: &[LearntSecret]) -> Self {
        let (mut spellings, mut secrets) = (Vec::new(), Vec::new());
        for (position, secret) in known.iter().enumerate() {
            for spelling in spellings_of(&secret.value) {
                spellings.push(spelling);
                secrets.push(position);
            }
        }
        let mut builder = AhoCorasick::builder();
        // It is built anew for every secret that a run learns: a DFA would cost more than it saves.
        builder.kind(Some(AhoCorasickKind::ContiguousNFA));
        builder.ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest);
        Self { automaton: builder.build(spellings).ok(), secrets }
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
