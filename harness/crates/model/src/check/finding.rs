//! The result of one expectation.

use super::evidence::{Exchange, PageResult, ProcessResult, WireResult};
use crate::secret::Secrets;

/// The maximum number of characters of a value within a message.
const MAX_INLINE_LEN: usize = 160;
/// The maximum number of characters of a value on its own.
const MAX_BLOCK_LEN: usize = 4000;
/// The maximum number of characters of what a message says beyond the values.
const MAX_DETAIL_LEN: usize = 1000;

/// One response, as seen by an expectation.
#[derive(Debug, Clone, Copy)]
pub(super) enum View<'a> {
    Http(&'a Exchange),
    Process(&'a ProcessResult),
    Wire(&'a WireResult),
    Page(&'a PageResult),
}

/// Whether an expectation is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    Met,
    Unmet,
    /// It could not be judged because of the kit or its environment.
    Unknown,
}

/// The result of one expectation. Its texts are whole and may contain secrets; [`Finding::words`] says it to others.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) judgement: Judgement,
    /// The observed property, such as "status" or "`/data/id`".
    pub(super) label: String,
    pub(super) expected: String,
    pub(super) actual: String,
    pub(super) message: Message,
    pub(super) notes: Vec<String>,
}

/// What a finding says in one line.
#[derive(Debug, Clone)]
pub(super) enum Message {
    /// The expected and the actual value.
    Compared,
    /// The same, and why they do not match.
    Because(String),
    /// The same, and the standard error of the process.
    WithStderr(String),
    Said(String),
    /// Words, and a text of the target behind them.
    Quoting(String, String),
}

/// A finding with secrets redacted and long texts cut.
#[derive(Debug, Clone)]
pub(super) struct Words {
    pub(super) expected: String,
    pub(super) actual: String,
    pub(super) message: String,
}

impl Finding {
    /// Creates a finding whose message states the expected and the actual value.
    pub(super) fn new(is_met: bool, label: impl Into<String>, expected: String, actual: String) -> Self {
        let judgement = if is_met { Judgement::Met } else { Judgement::Unmet };
        let (label, message) = (label.into(), Message::Compared);
        Self { judgement, label, expected, actual, message, notes: Vec::new() }
    }

    pub(super) fn unknown(label: impl Into<String>, message: String) -> Self {
        let (label, expected, actual) = (label.into(), String::new(), String::new());
        let (judgement, message) = (Judgement::Unknown, Message::Said(message));
        Self { judgement, label, expected, actual, message, notes: Vec::new() }
    }

    /// Redacts secrets in the texts, and only then cuts them.
    pub(super) fn words(&self, secrets: &Secrets) -> Words {
        let (expected, actual) = (self.expected_text(secrets), secrets.excerpt(&self.actual, MAX_BLOCK_LEN));
        let compared = || {
            let inline = |text: &str, excerpt: &str| match is_inline(text) && is_inline(excerpt) {
                true => excerpt.to_owned(),
                false => secrets.line(text, MAX_INLINE_LEN),
            };
            let (expected, actual) = (inline(&self.expected, &expected), inline(&self.actual, &actual));
            format!("{}: expected {expected}, got {actual}", self.label)
        };
        Words {
            message: match &self.message {
                Message::Compared => compared(),
                Message::Because(reason) => {
                    format!("{}: {}", compared(), secrets.line(reason, MAX_DETAIL_LEN))
                }
                Message::WithStderr(stderr) => {
                    format!("{}; standard error: {}", compared(), secrets.line(stderr, MAX_INLINE_LEN))
                }
                Message::Said(words) => secrets.line(words, MAX_DETAIL_LEN),
                Message::Quoting(words, text) => {
                    format!("{words}{}", secrets.line(text, MAX_INLINE_LEN))
                }
            },
            expected,
            actual,
        }
    }

    /// Returns the expected value.
    pub(super) fn expected_text(&self, secrets: &Secrets) -> String {
        secrets.excerpt(&self.expected, MAX_BLOCK_LEN)
    }

    /// Returns the observed value in one line.
    pub(super) fn actual_line(&self, secrets: &Secrets) -> String {
        secrets.line(&self.actual, MAX_INLINE_LEN)
    }
}

/// Whether a text is short and one line already: searching it for secrets again would be half of a check's cost.
fn is_inline(text: &str) -> bool {
    text.len() <= MAX_INLINE_LEN && text.trim().len() == text.len() && text.lines().nth(1).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_same_words_as_lines_of_the_values() {
        let secrets = Secrets::default();
        secrets.learn("a-secret-of-the-target", "KEY");
        let long = "x".repeat(MAX_INLINE_LEN + 1);
        let secret = format!("\u{7}{}", "a-secret-of-the-target ".repeat(4));
        let short = "a-secret-of-the-target".repeat(7);
        for text in ["", "200", " padded ", "one\ntwo", "one\n", "\r\n", &long, &secret, &short] {
            let finding = Finding::new(false, "status", text.to_owned(), text.to_owned());
            let line = secrets.line(text, MAX_INLINE_LEN);
            assert_eq!(finding.words(&secrets).message, format!("status: expected {line}, got {line}"));
        }
    }
}
