//! What a text says below its spelling: escapes of JSON, URLs and HTML decoded, base64 and hex decoded. Each view knows
//! which bytes of the text every byte of it comes from, so that what is found in a view is redacted in the text.

use std::ops::Range;

use super::escape::{Decoded, decode};
use super::pattern::MIN_SECRET_LEN;
use crate::text::foreign::is_escaped;

/// A text behind a text.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) bytes: Vec<u8>,
    /// Where each byte comes from.
    origins: Vec<(u32, u32)>,
}

/// The fewest base64 characters that hold a secret of the minimum length, wherever it begins.
const MIN_BASE64_RUN: usize = 11;
/// The fewest hex digits that hold a secret of the minimum length.
const MIN_HEX_RUN: usize = 16;
/// How many layers of escapes are removed. Each layer of JSON in JSON doubles the backslashes, so more make no text.
const MAX_ESCAPES: usize = 16;
/// The bytes with which escapes begin.
const ESCAPES: [u8; 3] = *b"\\%&";
/// How many encodings are removed: base64 of base64, each with escapes around it.
const MAX_ENCODINGS: usize = 2;

impl View {
    pub(super) fn of(text: &str) -> Self {
        let origins = (0..text.len()).map(|at| (position(at), position(at + 1))).collect();
        Self { bytes: text.as_bytes().to_vec(), origins }
    }

    /// Returns the part of the text from which these bytes come.
    pub(super) fn origin(&self, range: &Range<usize>) -> Range<usize> {
        let part = self.origins.get(range.clone()).unwrap_or_default();
        let start = part.first().map_or(0, |(start, _)| *start as usize);
        start..part.last().map_or(start, |(_, end)| *end as usize)
    }

    /// Calls `look` with this view and with every view behind it.
    pub(super) fn for_each(self, look: &mut impl FnMut(&Self)) {
        self.descend(MAX_ENCODINGS, look);
    }

    fn descend(self, encodings: usize, look: &mut impl FnMut(&Self)) {
        look(&self);
        self.decode_encodings(encodings, look);
        // All together, and each by itself: a stray escape of one may swallow the beginning of a secret in another.
        let marks: Vec<u8> = ESCAPES.into_iter().filter(|mark| self.bytes.contains(mark)).collect();
        self.peel(&marks, encodings, look);
        if marks.len() > 1 {
            marks.iter().for_each(|mark| self.peel(&[*mark], encodings, look));
        }
    }

    /// Looks on if it holds as much text as the shortest secret: most decoded words are noise.
    fn descend_into_text(self, encodings: usize, look: &mut impl FnMut(&Self)) {
        let chunks = self.bytes.utf8_chunks();
        let mut words = chunks.flat_map(|chunk| chunk.valid().split('\0'));
        if words.any(|word| word.len() >= MIN_SECRET_LEN) {
            self.descend(encodings, look);
        }
    }

    /// Removes one layer after the other of the escapes that begin with these bytes.
    fn peel(&self, marks: &[u8], encodings: usize, look: &mut impl FnMut(&Self)) {
        let mut layer = self.without_escapes(marks);
        for _ in 0..MAX_ESCAPES {
            let Some(below) = layer else { break };
            look(&below);
            below.decode_encodings(encodings, look);
            layer = below.without_escapes(marks);
        }
    }

    fn decode_encodings(&self, encodings: usize, look: &mut impl FnMut(&Self)) {
        let Some(left) = encodings.checked_sub(1) else { return };
        let base64 = runs(&self.bytes, base64_digit, MIN_BASE64_RUN);
        if !base64.is_empty() {
            // Nobody knows with which character a group of four begins.
            for first in 0..4 {
                self.decoded(&base64, first, 6).descend_into_text(left, look);
            }
        }
        let hex = runs(&self.bytes, hex_digit, MIN_HEX_RUN);
        if !hex.is_empty() {
            for first in 0..2 {
                self.decoded(&hex, first, 4).descend_into_text(left, look);
            }
        }
    }

    /// Decodes runs of digits with so many bits each, beginning with the given digit.
    fn decoded(&self, runs: &[Vec<(usize, u8)>], first: usize, bits: u32) -> Self {
        let mut view = Self { bytes: Vec::new(), origins: Vec::new() };
        for run in runs {
            let (mut value, mut held) = (0_u32, 0);
            let mut start = None;
            for (at, digit) in run.iter().skip(first) {
                let origin = self.origins.get(*at).copied().unwrap_or_default();
                start = start.or(Some(origin.0));
                value = value << bits | u32::from(*digit);
                held += bits;
                if held >= 8 {
                    held -= 8;
                    view.push((value >> held & 0xff).to_le_bytes()[0], (start.unwrap_or(origin.0), origin.1));
                    // What is left of this digit begins the next byte.
                    start = (held > 0).then_some(origin.0);
                    value &= (1 << held) - 1;
                }
            }
            // Nothing is found across two runs.
            view.push(0, view.origins.last().copied().unwrap_or_default());
        }
        view
    }

    /// Decodes one layer of escapes and leaves out what nobody sees; `None` if there is neither.
    fn without_escapes(&self, marks: &[u8]) -> Option<Self> {
        let may_be_escape =
            |byte: &u8| !matches!(byte, b' '..=b'$' | b'\''..=b'[' | b']'..=b'~' | b'\n' | b'\t');
        if !self.bytes.iter().any(may_be_escape) {
            return None;
        }
        let mut view = Self { bytes: Vec::new(), origins: Vec::new() };
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
                    view.push(*byte, self.origins.get(at).copied().unwrap_or_default());
                    at += 1;
                }
            }
        }
        has_decoded.then_some(view)
    }

    fn push(&mut self, byte: u8, origin: (u32, u32)) {
        self.bytes.push(byte);
        self.origins.push(origin);
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

/// Returns the runs of at least `min` digits: where each digit is, and its value. Encoded text may be wrapped into
/// lines, and hex separated by colons or blanks.
fn runs(bytes: &[u8], digit: fn(u8) -> Option<u8>, min: usize) -> Vec<Vec<(usize, u8)>> {
    let mut runs = Vec::new();
    let mut run = Vec::new();
    for (at, byte) in bytes.iter().enumerate() {
        match digit(*byte) {
            Some(digit) => run.push((at, digit)),
            None if matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b':') => {}
            None => {
                if run.len() >= min {
                    runs.push(std::mem::take(&mut run));
                }
                run.clear();
            }
        }
    }
    if run.len() >= min {
        runs.push(run);
    }
    runs
}

fn base64_digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Texts are far shorter than four gigabytes.
fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
