//! A diff of two texts, of which only the part around the first difference is compared: the time that a diff takes grows
//! with the square of its input.

use similar::TextDiff;

/// Lines of each text that are compared, from the first that differs.
const MAX_LINES: usize = 300;
/// Bytes of each line that are compared.
const MAX_LINE_LEN: usize = 2000;
/// Equal lines shown around a difference.
const CONTEXT: usize = 3;

/// Returns the difference in the unified format, with its header.
pub(super) fn unified(expected: &str, found: &str) -> String {
    let (left, right): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let equal = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
    let start = equal.saturating_sub(CONTEXT);
    let (left, right) = (Part::of(&left, start), Part::of(&right, start));
    let diff = TextDiff::from_lines(&left.text, &right.text);
    let mut unified = diff.unified_diff();
    let text =
        unified.context_radius(CONTEXT).header("expected", "actual").missing_newline_hint(false).to_string();
    let mut text = counted_from(text.trim_end(), start);
    for (sign, more) in [('-', left.more), ('+', right.more)] {
        if more > 0 {
            text.push_str(&format!("\n{sign}… {more} lines more, which were not compared"));
        }
    }
    text
}

/// The lines of a text that are compared.
struct Part {
    text: String,
    /// How many lines follow.
    more: usize,
}

impl Part {
    fn of(lines: &[&str], start: usize) -> Self {
        let from_start = lines.get(start..).unwrap_or_default();
        let mut text = String::new();
        for line in from_start.iter().take(MAX_LINES) {
            let end = (0..=MAX_LINE_LEN.min(line.len())).rev().find(|end| line.is_char_boundary(*end));
            text.push_str(line.get(..end.unwrap_or_default()).unwrap_or_default());
            text.push_str(if line.len() > MAX_LINE_LEN { "…\n" } else { "\n" });
        }
        Self { text, more: from_start.len().saturating_sub(MAX_LINES) }
    }
}

/// Corrects the line numbers of hunks that begin after `before` lines which were left out.
fn counted_from(diff: &str, before: usize) -> String {
    if before == 0 {
        return diff.to_owned();
    }
    let lines =
        diff.lines().map(|line| match line.strip_prefix("@@ -").and_then(|rest| shifted(rest, before)) {
            Some(hunk) => hunk,
            None => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n")
}

fn shifted(hunk: &str, before: usize) -> Option<String> {
    let (left, rest) = hunk.split_once(" +")?;
    let (right, rest) = rest.split_once(" @@")?;
    let shift = |range: &str| -> Option<String> {
        let (start, length) =
            range.split_once(',').map_or((range, None), |(start, length)| (start, Some(length)));
        let start = start.parse::<usize>().ok()? + before;
        Some(length.map_or_else(|| start.to_string(), |length| format!("{start},{length}")))
    };
    Some(format!("@@ -{} +{} @@{rest}", shift(left)?, shift(right)?))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_difference_keeps_its_line_numbers() {
        let text = |changed: usize| -> String {
            (1..=20)
                .map(|line| if line == changed { "x\n".to_owned() } else { format!("{line}\n") })
                .collect()
        };
        assert_eq!(
            unified(&text(0), &text(10)),
            "--- expected\n+++ actual\n@@ -7,7 +7,7 @@\n 7\n 8\n 9\n-10\n+x\n 11\n 12\n 13"
        );
        assert_eq!(unified("a\nb", "a\nc"), "--- expected\n+++ actual\n@@ -1,2 +1,2 @@\n a\n-b\n+c");
    }

    #[test]
    fn long_texts_are_compared_in_bounded_time() {
        let begun = Instant::now();
        let lines = |name: &str| -> String { (0..200_000).map(|line| format!("{name}{line}\n")).collect() };
        let diff = unified(&lines("a"), &lines("b"));
        assert!(diff.contains("-… 199700 lines more") && diff.contains("+… 199700 lines more"));
        let line = unified(&"a".repeat(2_000_000), &"b".repeat(2_000_000));
        assert!(line.len() < 10_000, "{}", line.len());
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }
}
