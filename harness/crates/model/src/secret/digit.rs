//! Digits of base64 and hex, and the bytes that they encode.

use std::ops::Range;

use super::pattern::MIN_SECRET_LEN;

/// The fewest base64 characters that hold a secret of the minimum length, wherever it begins.
const MIN_BASE64_RUN: usize = 11;
/// The fewest hex digits that hold a secret of the minimum length.
const MIN_HEX_RUN: usize = 16;

/// Runs of digits in a text.
pub(super) struct Digits {
    /// Where each digit is, and its value.
    all: Vec<(usize, u8)>,
    /// The runs, as parts of `all`.
    pub(super) runs: Vec<Range<usize>>,
    /// How many bits a digit holds.
    bits: u32,
}

impl Digits {
    pub(super) fn base64(bytes: &[u8]) -> Self {
        Self::of(bytes, base64_digit, 6, MIN_BASE64_RUN)
    }

    pub(super) fn hex(bytes: &[u8]) -> Self {
        Self::of(bytes, hex_digit, 4, MIN_HEX_RUN)
    }

    /// Finds the runs of at least `min` digits. Encoded text may be wrapped into lines, and hex separated by colons or
    /// blanks.
    fn of(bytes: &[u8], digit: fn(u8) -> Option<u8>, bits: u32, min: usize) -> Self {
        let (mut all, mut runs, mut start) = (Vec::new(), Vec::new(), 0);
        // Most texts have no run that is long enough.
        if longest_run(bytes, digit) < min {
            return Self { all, runs, bits };
        }
        for (at, byte) in bytes.iter().enumerate() {
            match digit(*byte) {
                Some(digit) => all.push((at, digit)),
                None if is_separator(*byte) => {}
                None => end_run(&mut all, &mut start, min, &mut runs),
            }
        }
        end_run(&mut all, &mut start, min, &mut runs);
        Self { all, runs, bits }
    }

    /// Decodes a run, beginning with the given digit. `found` is given each byte, and where its first and its last digit
    /// are.
    pub(super) fn decode(&self, run: &Range<usize>, first: usize, mut found: impl FnMut(u8, usize, usize)) {
        let digits = self.all.get(run.clone()).and_then(|digits| digits.get(first..)).unwrap_or_default();
        let (mut value, mut held) = (0_u32, 0);
        let mut start = None;
        for (at, digit) in digits {
            let from = *start.get_or_insert(*at);
            value = value << self.bits | u32::from(*digit);
            held += self.bits;
            if held >= 8 {
                held -= 8;
                found((value >> held & 0xff).to_le_bytes()[0], from, *at);
                // What is left of this digit begins the next byte.
                start = (held > 0).then_some(*at);
                value &= (1 << held) - 1;
            }
        }
    }

    /// Whether a run, decoded from the given digit on, may hold as much text as the shortest secret.
    pub(super) fn hold_text(&self, first: usize) -> bool {
        self.runs.iter().any(|run| {
            let mut text = TextLength::default();
            self.decode(run, first, |byte, _, _| text.push(byte));
            text.longest >= MIN_SECRET_LEN
        })
    }
}

/// Returns how many digits the longest run has.
fn longest_run(bytes: &[u8], digit: fn(u8) -> Option<u8>) -> usize {
    let (mut longest, mut length) = (0, 0);
    for byte in bytes {
        if digit(*byte).is_some() {
            length += 1;
            longest = longest.max(length);
        } else if !is_separator(*byte) {
            length = 0;
        }
    }
    longest
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b':')
}

/// Ends the run of digits from `start` on, which is dropped if it is short.
fn end_run(all: &mut Vec<(usize, u8)>, start: &mut usize, min: usize, runs: &mut Vec<Range<usize>>) {
    if all.len() - *start >= min {
        runs.push(*start..all.len());
        *start = all.len();
    } else {
        all.truncate(*start);
    }
}

/// Measures the longest part of a sequence of bytes that may be UTF-8 without NUL.
#[derive(Default)]
struct TextLength {
    longest: usize,
    current: usize,
    /// How many bytes the present character still needs.
    needed: u32,
}

impl TextLength {
    fn push(&mut self, byte: u8) {
        let is_continuation = matches!(byte, 0x80..=0xbf);
        if is_continuation && self.needed > 0 {
            self.needed -= 1;
            self.current += 1;
        } else {
            let ends_early = self.needed > 0;
            self.needed = match byte {
                0x01..=0x7f => 0,
                0xc2..=0xdf => 1,
                0xe0..=0xef => 2,
                0xf0..=0xf4 => 3,
                _ => {
                    (self.current, self.needed) = (0, 0);
                    return;
                }
            };
            self.current = if ends_early { 1 } else { self.current + 1 };
        }
        self.longest = self.longest.max(self.current);
    }
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
    Some(match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_may_be_wrapped_and_short_ones_are_left_out() {
        let digits = Digits::hex(b"00:01 02\n03040506, 0a, 0708090a0b0c0d0e 0f");
        let decoded = |run: &Range<usize>| {
            let mut bytes = Vec::new();
            digits.decode(run, 0, |byte, from, to| bytes.push((byte, from, to)));
            bytes
        };
        assert_eq!(digits.runs.len(), 1);
        let bytes = decoded(&digits.runs[0]);
        assert_eq!((bytes[0], bytes[8]), ((7, 23, 24), (15, 40, 41)));
    }

    proptest! {
        #[test]
        fn text_is_measured_at_least_as_long_as_it_is(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), 0x20..0x7f_u8, 0xc0..=0xff_u8, 0x80..0xc0_u8], 0..60),
        ) {
            let mut measured = TextLength::default();
            bytes.iter().for_each(|byte| measured.push(*byte));
            let chunks = bytes.utf8_chunks();
            let words = chunks.flat_map(|chunk| chunk.valid().split('\0').map(str::len).collect::<Vec<_>>());
            prop_assert!(measured.longest >= words.max().unwrap_or(0));
        }
    }
}
