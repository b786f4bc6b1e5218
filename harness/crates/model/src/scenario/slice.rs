//! Parts of a text: `${key:11..}` without the first eleven characters, `${key:..-1}` without the last.

/// A range of characters; a negative end counts from the end of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    from: usize,
    to: Option<isize>,
}

/// The variable's name and the part that is meant, of what stands between `${` and `}`. `${long:N}` has no part.
///
/// # Errors
/// What follows the colon is no range.
pub fn split(inner: &str) -> Result<(&str, Option<Slice>), String> {
    match inner.split_once(':') {
        Some((name, range)) if name != "long" => Ok((name, Some(parse(range)?))),
        _ => Ok((inner, None)),
    }
}

impl Slice {
    /// The part of `text`; empty where the text is too short for it.
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
    let wrong = || format!("`{range}` is no range of characters: write `11..`, `..40`, `..-1` or `2..8`");
    let (from, to) = range.split_once("..").ok_or_else(wrong)?;
    let from = if from.is_empty() { 0 } else { from.parse().map_err(|_| wrong())? };
    let to = if to.is_empty() { None } else { Some(to.parse().map_err(|_| wrong())?) };
    Ok(Slice { from, to })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_counted_in_characters() {
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
