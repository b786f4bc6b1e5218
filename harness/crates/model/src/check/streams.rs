//! What a program printed on two streams. A terminal shows their lines in one order, which no pipe records.

use serde_json::Value;

use crate::scenario::model::Matcher;

use super::matcher::judge;

/// Returns both streams as one text. Each keeps its order; if `wanted` are lines that can have been printed one after
/// the other, that is how they stand in the text, and standard output comes first otherwise.
pub(super) fn merged(stdout: &str, stderr: &str, wanted: &Matcher) -> String {
    let streams = [stdout.lines().collect::<Vec<_>>(), stderr.lines().collect::<Vec<_>>()];
    let Matcher::Lines(wanted) = wanted else { return joined(stdout, stderr) };
    let Some(choices) = choices(&streams, [0, 0], wanted) else { return joined(stdout, stderr) };
    let mut rest = streams.map(Vec::into_iter);
    let mut lines = Vec::new();
    for (stream, length) in choices {
        if let Some(rest) = rest.get_mut(stream) {
            lines.extend(rest.by_ref().take(length));
        }
    }
    lines.extend(rest.into_iter().flatten());
    lines.join("\n")
}

/// Chooses for each matcher the stream that meets it next, and how many more lines of it that takes; `None` if no order
/// of the lines meets them all.
fn choices(streams: &[Vec<&str>; 2], begins: [usize; 2], wanted: &[Matcher]) -> Option<Vec<(usize, usize)>> {
    let Some((first, others)) = wanted.split_first() else { return Some(Vec::new()) };
    let is_met = |line: &&str| judge(first, Some(&Value::String((*line).to_owned()))).is_ok();
    streams.iter().zip(begins).enumerate().find_map(|(stream, (lines, begin))| {
        let length = 1 + lines.get(begin..)?.iter().position(is_met)?;
        let mut begins = begins;
        *begins.get_mut(stream)? += length;
        let mut chosen = vec![(stream, length)];
        chosen.extend(choices(streams, begins, others)?);
        Some(chosen)
    })
}

fn joined(stdout: &str, stderr: &str) -> String {
    let separator = if stdout.is_empty() || stdout.ends_with('\n') { "" } else { "\n" };
    format!("{stdout}{separator}{stderr}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Matcher {
        Matcher::Lines(texts.iter().map(|text| Matcher::Equals(Value::from(*text))).collect())
    }

    #[test]
    fn lines_of_two_streams_may_have_been_printed_in_any_order() {
        for (stdout, stderr, wanted, is_met) in [
            ("a\nb", "", ["a", "b"], true),
            ("b", "a", ["a", "b"], true),
            ("a", "b", ["a", "b"], true),
            ("", "b\na", ["a", "b"], false),
            ("b\na", "", ["a", "b"], false),
            ("b\na", "c", ["a", "b"], false),
            ("a\nc", "b\na", ["a", "b"], true),
            ("b", "c", ["a", "b"], false),
        ] {
            let wanted = lines(&wanted);
            let text = Value::from(merged(stdout, stderr, &wanted));
            assert_eq!(judge(&wanted, Some(&text)).is_ok(), is_met, "{stdout:?} {stderr:?}");
        }
    }

    #[test]
    fn no_line_is_lost() {
        let merged = merged("x\nb\ny\n", "a\nz\n", &lines(&["a", "b"]));
        assert_eq!(merged, "a\nx\nb\ny\nz");
    }
}
