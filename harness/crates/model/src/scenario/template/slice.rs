//! Slices of a variable: `${key:11..}` drops the first eleven characters, `${key:..-1}` the last.

use std::str::FromStr;

use super::error::SyntaxError;

/// A range of characters. A negative end counts from the end of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slice {
    from: usize,
    to: Option<isize>,
}

impl Slice {
    /// Returns the slice of `text`, which is empty if the text is too short.
    pub(super) fn of(self, text: &str) -> String {
        let count = text.chars().count();
        let end = match self.to {
            None => count,
            Some(to) if to < 0 => count.saturating_sub(to.unsigned_abs()),
            Some(to) => to.unsigned_abs().min(count),
        };
        text.chars().take(end).skip(self.from).collect()
    }
}

impl FromStr for Slice {
    type Err = SyntaxError;

    fn from_str(range: &str) -> Result<Self, Self::Err> {
        let invalid = || SyntaxError::Range(range.to_owned());
        let (from, to) = range.split_once("..").ok_or_else(invalid)?;
        let from = if from.is_empty() { 0 } else { from.parse().map_err(|_| invalid())? };
        let to = if to.is_empty() { None } else { Some(to.parse().map_err(|_| invalid())?) };
        Ok(Self { from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_count_characters() {
        for (range, part) in [
            ("3..", "éf"),
            ("..2", "ab"),
            ("..-1", "abcé"),
            ("1..-1", "bcé"),
            ("9..", ""),
            ("..-9", ""),
            ("..99", "abcéf"),
        ] {
            assert_eq!(range.parse::<Slice>().unwrap().of("abcéf"), part, "{range}");
        }
        for range in ["", "7", "a..", "..b", "-1.."] {
            assert!(range.parse::<Slice>().is_err(), "{range}");
        }
    }
}
