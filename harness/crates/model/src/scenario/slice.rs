//! Slices of a variable: `${key:11..}` drops the first eleven characters, `${key:..-1}` the last.

/// A range of characters. A negative end counts from the end of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    from: usize,
    to: Option<isize>,
}

/// Splits the content of `${…}` into the variable's name and its slice. `${long:N}` has no slice.
///
/// # Errors
/// The text after the colon is not a range.
pub fn split(inner: &str) -> Result<(&str, Option<Slice>), String> {
    match inner.split_once(':') {
        Some((name, range)) if name != "long" => Ok((name, Some(parse(range)?))),
        _ => Ok((inner, None)),
    }
}

impl Slice {
    /// Returns the slice of `text`, which is empty if the text is too short.
    pub fn of(self, text: &str) -> String {
        let count = text.chars().count();
        let end = match self.to {
            None => count,
            Some(to) if to < 0 => count.saturating_sub(to.unsigned_abs()),
            Some(to) => to.unsigned_abs().min(count),
        };
        text.chars().take(end).skip(self.from).collect()
    }
}

fn parse(range: &str) -> Result<Slice, String> {
    let invalid = || format!("invalid range `{range}`: expected `11..`, `..40`, `..-1` or `2..8`");
    let (from, to) = range.split_once("..").ok_or_else(invalid)?;
    let from = if from.is_empty() { 0 } else { from.parse().map_err(|_| invalid())? };
    let to = if to.is_empty() { None } else { Some(to.parse().map_err(|_| invalid())?) };
    Ok(Slice { from, to })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_count_characters() {
        for (inner, part) in [
            ("key:3..", "éf"),
            ("key:..2", "ab"),
            ("key:..-1", "abcé"),
            ("key:1..-1", "bcé"),
            ("key:9..", ""),
            ("key:..-9", ""),
            ("key:..99", "abcéf"),
        ] {
            let (name, slice) = split(inner).unwrap();
            assert_eq!((name, slice.unwrap().of("abcéf").as_str()), ("key", part), "{inner}");
        }
        assert_eq!(split("long:70"), Ok(("long:70", None)));
        for inner in ["key:", "key:7", "key:a..", "key:..b", "key:-1.."] {
            assert!(split(inner).is_err(), "{inner}");
        }
    }
}
