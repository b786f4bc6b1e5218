//! What a text says below its spelling: escapes of JSON, URLs and HTML decoded, base64 and hex decoded. Each view knows
//! which bytes of the text every byte of it comes from, so that what is found in a view is redacted in the text.

use std::borrow::Cow;
use std::ops::Range;

use super::digit::Digits;
use super::escape::{Decoded, decode};
use crate::text::foreign::is_escaped;

/// A text behind a text.
#[derive(Debug, Clone)]
pub(super) struct View<'t> {
    pub(super) bytes: Cow<'t, [u8]>,
    /// Where each byte comes from; `None` for the text itself.
    origins: Option<Vec<(u32, u32)>>,
}

/// How many layers of escapes are removed. Each layer of JSON in JSON doubles the backslashes, so more make no text.
const MAX_ESCAPES: usize = 16;
/// The bytes with which escapes begin.
const ESCAPES: [u8; 3] = *b"\\%&";
/// How many encodings are removed: base64 of base64, each with escapes around it.
const MAX_ENCODINGS: usize = 2;

impl<'t> View<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { bytes: Cow::Borrowed(text.as_bytes()), origins: None }
    }

    /// Returns the part of the text from which these bytes come.
    pub(super) fn origin(&self, range: &Range<usize>) -> Range<usize> {
        let Some(origins) = &self.origins else { return range.clone() };
        let part = origins.get(range.clone()).unwrap_or_default();
        let start = part.first().map_or(0, |(start, _)| *start as usize);
        start..part.last().map_or(start, |(_, end)| *end as usize)
    }

    fn origin_at(&self, at: usize) -> (u32, u32) {
        match &self.origins {
            None => (position(at), position(at + 1)),
            Some(origins) => origins.get(at).copied().unwrap_or_default(),
        }
    }

    /// Calls `look` with this view and with every view behind it.
    pub(super) fn for_each(self, look: &mut impl FnMut(&View<'_>)) {
        self.descend(MAX_ENCODINGS, look);
    }

    fn descend(self, encodings: usize, look: &mut impl FnMut(&View<'_>)) {
        look(&self);
        self.decode_encodings(encodings, look);
        // All together, and each by itself: a stray escape of one may swallow the beginning of a secret in another.
        let marks: Vec<u8> = ESCAPES.into_iter().filter(|mark| self.bytes.contains(mark)).collect();
        self.peel(&marks, encodings, look);
        if marks.len() > 1 {
            marks.iter().for_each(|mark| self.peel(&[*mark], encodings, look));
        }
    }

    /// Removes one layer after the other of the escapes that begin with these bytes.
    fn peel(&self, marks: &[u8], encodings: usize, look: &mut impl FnMut(&View<'_>)) {
        let mut layer = self.without_escapes(marks);
        for _ in 0..MAX_ESCAPES {
            let Some(below) = layer else { break };
            look(&below);
            below.decode_encodings(encodings, look);
            layer = below.without_escapes(marks);
        }
    }

    fn decode_encodings(&self, encodings: usize, look: &mut impl FnMut(&View<'_>)) {
        let Some(left) = encodings.checked_sub(1) else { return };
        // Nobody knows with which character a group of four, or of two, begins.
        for (digits, alignments) in [(Digits::base64(&self.bytes), 4), (Digits::hex(&self.bytes), 2)] {
            for first in 0..alignments {
                // Most decoded words are noise.
                if digits.hold_text(first) {
                    self.decoded(&digits, first).descend(left, look);
                }
            }
        }
    }

    /// Decodes runs of digits, beginning with the given digit of each.
    fn decoded(&self, digits: &Digits, first: usize) -> View<'static> {
        let mut view = View::default();
        for run in &digits.runs {
            digits.decode(run, first, |byte, from, to| {
                view.push(byte, (self.origin_at(from).0, self.origin_at(to).1));
            });
            // Nothing is found across two runs.
            let end = view.origins.as_ref().and_then(|origins| origins.last()).copied();
            view.push(0, end.unwrap_or_default());
        }
        view
    }

    /// Decodes one layer of escapes and leaves out what nobody sees; `None` if there is neither.
    fn without_escapes(&self, marks: &[u8]) -> Option<View<'static>> {
        let may_be_escape =
            |byte: &u8| !matches!(byte, b' '..=b'$' | b'\''..=b'[' | b']'..=b'~' | b'\n' | b'\t');
        if !self.bytes.iter().any(may_be_escape) {
            return None;
        }
        let mut view = View::default();
        let mut has_decoded = false;
        let mut at = 0;
        while let Some(byte) = self.bytes.get(at) {
            let rest = self.bytes.get(at..).unwrap_or_default();
            if let Some(length) = unseen(rest) {
                has_decoded = true;
                at += length;
                continue;
            }
            match Some(rest).filter(|_| marks.contains(byte)).and_then(decode) {
                Some(Decoded { letter, length }) => {
                    has_decoded = true;
                    let origin = self.origin(&(at..at + length));
                    let origin = (position(origin.start), position(origin.end));
                    letter.as_bytes().iter().for_each(|byte| view.push(*byte, origin));
                    at += length;
                }
                None => {
                    view.push(*byte, self.origin_at(at));
                    at += 1;
                }
            }
        }
        has_decoded.then_some(view)
    }

    fn push(&mut self, byte: u8, origin: (u32, u32)) {
        self.bytes.to_mut().push(byte);
        self.origins.get_or_insert_default().push(origin);
    }
}

/// An empty view that comes from no text.
impl Default for View<'_> {
    fn default() -> Self {
        Self { bytes: Cow::Owned(Vec::new()), origins: Some(Vec::new()) }
    }
}

/// Returns the length of a character that nobody sees: it may stand between the characters of a secret.
fn unseen(bytes: &[u8]) -> Option<usize> {
    let first = *bytes.first()?;
    let length = match first {
        b'\n' | b'\t' | b' '..=b'~' => return None,
        0..=0x7f => 1,
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    let letter = std::str::from_utf8(bytes.get(..length)?).ok()?.chars().next()?;
    is_escaped(letter).then_some(length)
}

/// Removes every layer of escapes from a text.
pub(super) fn without_escapes(text: &str) -> String {
    let mut layer = View::of(text);
    for _ in 0..MAX_ESCAPES {
        let Some(below) = layer.without_escapes(&ESCAPES) else { break };
        layer = below;
    }
    String::from_utf8_lossy(&layer.bytes).into_owned()
}

/// Texts are far shorter than four gigabytes.
fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
