//! Expected and actual side by side.

use std::time::Duration;

use maud::{Markup, html};
use similar::{ChangeTag, TextDiff};

/// Time limit for a diff, after which it is only approximated.
const DIFF_TIMEOUT: Duration = Duration::from_millis(50);
/// Lines shown of each side.
const MAX_LINES: usize = 400;

/// A line in parts, each with a flag whether it differs.
struct Line {
    differs: bool,
    parts: Vec<(bool, String)>,
}

/// Renders both values with differences marked. A unified diff is split into its two sides.
pub(super) fn values(expected: &str, actual: &str) -> Markup {
    let is_unified = actual.lines().any(|line| line.starts_with("@@"));
    let (left, right) = if is_unified { split_unified(actual) } else { compared(expected, actual) };
    html! {
        div .sides {
            div .side { h5 { "Expected" } div .body { pre { (column(&left, "gone")) } } }
            div .side { h5 { "Actual" } div .body { pre { (column(&right, "come")) } } }
        }
    }
}

fn column(lines: &[Line], class: &str) -> Markup {
    html! {
        span .lines {
            @for line in lines.iter().take(MAX_LINES) {
                span class=[line.differs.then_some(class)] {
                    @for (is_marked, part) in &line.parts {
                        @if *is_marked { b { (part) } } @else { (part) }
                    }
                }
            }
            @if lines.len() > MAX_LINES { span { "… " (lines.len() - MAX_LINES) " more lines" } }
        }
    }
}

fn compared(expected: &str, actual: &str) -> (Vec<Line>, Vec<Line>) {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let diff = TextDiff::configure().timeout(DIFF_TIMEOUT).diff_lines(expected, actual);
    for operation in diff.ops() {
        for change in diff.iter_inline_changes(operation) {
            let line = Line {
                differs: change.tag() != ChangeTag::Equal,
                parts: change
                    .iter_strings_lossy()
                    .map(|(is_marked, part)| (is_marked, part.trim_end_matches('\n').to_owned()))
                    .collect(),
            };
            match change.tag() {
                ChangeTag::Delete => left.push(line),
                ChangeTag::Insert => right.push(line),
                ChangeTag::Equal => {
                    left.push(Line { differs: false, parts: line.parts.clone() });
                    right.push(line);
                }
            }
        }
    }
    (left, right)
}

/// Splits a unified diff into its two sides.
fn split_unified(unified: &str) -> (Vec<Line>, Vec<Line>) {
    let line = |differs, text: &str| Line { differs, parts: vec![(false, text.to_owned())] };
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for text in unified.lines().skip_while(|text| !text.starts_with("@@")) {
        match (text.chars().next(), text.get(1..)) {
            (Some('-'), Some(rest)) => left.push(line(true, rest)),
            (Some('+'), Some(rest)) => right.push(line(true, rest)),
            (Some('@'), _) => {
                left.push(line(false, "⋯"));
                right.push(line(false, "⋯"));
            }
            (_, rest) => {
                left.push(line(false, rest.unwrap_or_default()));
                right.push(line(false, rest.unwrap_or_default()));
            }
        }
    }
    (left, right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_within_a_line_are_marked() {
        let page = values("the status is 201", "the status is 500").into_string();
        assert!(page.contains("<span class=\"gone\">the status is <b>201</b></span>"), "{page}");
        assert!(page.contains("<span class=\"come\">the status is <b>500</b></span>"), "{page}");
    }

    #[test]
    fn unified_diff_is_split_into_sides() {
        let page = values("", "@@ -1,2 +1,2 @@\n {\n-  \"a\": 1\n+  \"a\": 2\n").into_string();
        assert!(page.contains("<span class=\"gone\">  &quot;a&quot;: 1</span>"), "{page}");
        assert!(page.contains("<span class=\"come\">  &quot;a&quot;: 2</span>"), "{page}");
    }
}
