//! The language of `--filter`.

mod parse;

use regex::Regex;

use crate::scenario::model::Scenario;

/// A condition on sub-tests.
///
/// | term | selects |
/// |-|-|
/// | `used-count/ST4`, `used-count/*` | ids that the glob matches (`*` any text, `?` one character) |
/// | `used-count`, `ST4` | without a slash: the chapter, or the file, of that name |
/// | `verifies=used-count/ST4.*` | sub-tests that judge such a statement |
/// | `suite=auth-*` | suites of such names |
/// | `title~race`, `title~"single use"` | titles that contain the text, in upper or lower case |
///
/// `!TERM` is the opposite, `A & B` or `A B` both, `A, B` either (binds weakest), `( … )` groups.
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    condition: Condition,
}

/// A filter that cannot be read; the message has the text, a caret and examples.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FilterError {
    /// The whole message, of several lines.
    pub message: String,
}

#[derive(Debug, Clone)]
enum Condition {
    Id(Regex),
    /// A name without a slash: of a chapter or a file.
    Name(Regex),
    Verifies(Regex),
    Suite(Regex),
    /// In lower case.
    Title(String),
    Not(Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self { text: text.to_owned(), condition: parse::parse(text)? })
    }

    /// Whether the sub-test is meant.
    pub fn selects(&self, scenario: &Scenario) -> bool {
        self.condition.holds(scenario)
    }

    /// The filter as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl std::str::FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Condition {
    fn holds(&self, scenario: &Scenario) -> bool {
        match self {
            Self::Id(glob) => glob.is_match(&scenario.id),
            Self::Name(glob) => scenario.id.split('/').any(|part| glob.is_match(part)),
            Self::Verifies(glob) => scenario.statements().any(|id| glob.is_match(id)),
            Self::Suite(glob) => glob.is_match(&scenario.suite),
            Self::Title(text) => scenario.title.to_lowercase().contains(text),
            Self::Not(condition) => !condition.holds(scenario),
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(scenario)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(scenario)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::tests::scenario;

    #[test]
    fn terms_select_what_they_say() {
        let subtest = scenario(
            "auth-keys",
            "used-count/ST4",
            "A Single-use key",
            &["used-count/ST4.2", "generate/F.1"],
        );
        for (filter, expected) in [
            ("used-count/ST4", true),
            ("used-count/ST", false),
            ("used-count/*", true),
            ("used-count/ST?", true),
            ("*/ST4", true),
            ("ST4", true),
            ("used-count", true),
            ("used", false),
            ("generate/*", false),
            ("verifies=generate/*", true),
            ("verifies=used-count/ST4.1", false),
            ("suite=auth-keys", true),
            ("suite=api-*", false),
            ("title~single", true),
            ("title~\"SINGLE-use KEY\"", true),
            ("title~race", false),
            ("!ST4", false),
            ("!!ST4", true),
            ("ST4 & suite=api-keys", false),
            ("ST4 suite=auth-keys", true),
            ("ST9, ST4", true),
            ("ST4, ST9", true),
            ("ST9 & ST4", false),
            ("ST9, ST4 !ST4", false),
            ("(ST9, ST4) title~key", true),
            ("!(ST9, ST8) & ST4", true),
            ("used-count/ST4.", false),
        ] {
            assert_eq!(Filter::parse(filter).unwrap().selects(&subtest), expected, "{filter}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_pointed_at() {
        for (filter, message, column) in [
            ("", "expected a term", 0),
            ("ST4 &", "expected a term", 5),
            ("ST4,,ST5", "expected a term", 4),
            ("(ST4", "expected `)`", 4),
            ("ST4)", "nothing is open that `)` could close", 3),
            ("title~\"x", "the quote is not closed", 6),
            ("suit=x", "there is no `suit=`; did you mean `suite=`?", 0),
            ("title=x", "there is no `title=`; write `title~TEXT`", 0),
            ("a verifies=", "`verifies=` needs a glob", 2),
            ("title~", "`title~` needs a text", 0),
        ] {
            let error = Filter::parse(filter).unwrap_err().message;
            let lines: Vec<&str> = error.lines().collect();
            assert!(lines[0].contains(message), "{filter}: {error}");
            assert_eq!(lines[2].find('^'), Some(column + 2), "{filter}: {error}");
            assert!(error.contains("for example"), "{error}");
        }
        assert!(Filter::parse(&"(".repeat(100_000)).is_err());
        assert!(Filter::parse(&"!".repeat(100_000)).is_err());
    }

    #[test]
    fn only_depth_is_limited_and_not_length() {
        let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
        assert!(Filter::parse(&nested(63)).is_ok());
        assert!(Filter::parse(&nested(64)).unwrap_err().message.contains("nests too deeply"));
        assert!(Filter::parse(&vec!["a"; 100].join(" ")).is_ok());
        assert!(Filter::parse(&vec!["!(a, b)"; 100].join(", ")).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-z*?/=~!&,()\" é]{0,40}") {
            if let Ok(filter) = Filter::parse(&text) {
                let _ = filter.selects(&scenario("s", "c/ST1", "t", &[]));
            }
        }
    }
}
