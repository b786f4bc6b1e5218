//! Formats findings as a checklist.

use serde_json::{Value, json};

use harness_report::terminal::{Paint, wrap};
use harness_runner::targets::{Finding, State};

/// Formats one line for each finding, and the way out below it. Lines are wrapped on a terminal only, so that each
/// finding is one line in a pipe.
pub(super) fn as_text(findings: &[Finding], paint: Paint, width: Option<usize>) -> String {
    let width = width.unwrap_or(usize::MAX);
    let mut text = String::new();
    for Finding { subject, state } in findings {
        let (mark, seen, remedy) = match state {
            State::Right(seen) => (paint.green("✓"), seen.as_str(), ""),
            State::Wrong { problem, remedy, .. } => (paint.red("✗"), problem.as_str(), remedy.as_str()),
            State::Open { reason, remedy } => {
                ("–".to_owned(), reason.as_str(), remedy.as_ref().map_or("", |(_, remedy)| remedy.as_str()))
            }
        };
        let lines = wrap(&format!("{subject}: {seen}"), width.saturating_sub(2).max(20));
        for (position, line) in lines.iter().enumerate() {
            let mark = if position == 0 { mark.as_str() } else { " " };
            text.push_str(&format!("{mark} {line}\n"));
        }
        for line in wrap(remedy, width.saturating_sub(4).max(20)) {
            text.push_str(&format!("    {line}\n"));
        }
    }
    text
}

/// Formats the findings as an array.
pub(super) fn as_json(findings: &[Finding]) -> Result<String, serde_json::Error> {
    let entries: Vec<Value> = findings
        .iter()
        .map(|Finding { subject, state }| match state {
            State::Right(seen) => json!({ "subject": subject, "state": "right", "seen": seen }),
            State::Open { reason, remedy } => {
                let (key, remedy) = remedy.as_ref().map(|(key, remedy)| (key, remedy)).unzip();
                json!({ "subject": subject, "state": "open", "seen": reason, "key": key, "remedy": remedy })
            }
            State::Wrong { key, problem, remedy } => {
                json!({ "subject": subject, "state": "wrong", "seen": problem, "key": key, "remedy": remedy })
            }
        })
        .collect();
    serde_json::to_string_pretty(&entries).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> Vec<Finding> {
        let finding = |subject: &str, state| Finding { subject: subject.to_owned(), state };
        vec![
            finding("target", State::Right("http://127.0.0.1:1/ answers".to_owned())),
            finding(
                "session of `owner`",
                State::Open { reason: "tokens.owner is not set".to_owned(), remedy: None },
            ),
            finding(
                "session of `admin`",
                State::Wrong {
                    key: "tokens.admin".to_owned(),
                    problem: "it was refused".to_owned(),
                    remedy: "renew its source in acme.toml:5".to_owned(),
                },
            ),
        ]
    }

    #[test]
    fn each_finding_is_a_line_in_a_pipe() {
        assert_eq!(
            as_text(&findings(), Paint::new(false), None),
            "✓ target: http://127.0.0.1:1/ answers\n\
             – session of `owner`: tokens.owner is not set\n\
             ✗ session of `admin`: it was refused\n    renew its source in acme.toml:5\n"
        );
    }

    #[test]
    fn lines_fit_into_a_narrow_terminal() {
        let text = as_text(&findings(), Paint::new(false), Some(32));
        assert!(text.lines().all(|line| line.chars().count() <= 32), "{text}");
        assert!(text.contains("✓ target: http://127.0.0.1:1/\n  answers\n"), "{text}");
    }
}
