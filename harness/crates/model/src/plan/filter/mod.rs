//! The expression language of `--filter`.

mod condition;
mod error;
mod hint;
mod parse;

use std::sync::Arc;

use crate::requirement::Registry;
use crate::scenario::model::Scenario;

pub use error::{FilterError, FilterSyntaxError};
pub use hint::meant;

use condition::Condition;

/// An expression that selects sub-tests.
///
/// | term | selects |
/// |-|-|
/// | `used-count/ST4`, `used-count/*` | ids that match the glob (`*` any text, `?` one character, `[ab]` one of a set) |
/// | `used-count`, `ST4` | without a slash: chapters or files that match |
/// | `verifies=used-count/ST4.*` | sub-tests that judge a matching statement |
/// | `suite=auth-*` | matching suites |
/// | `needs=dashboard` | sub-tests that need a matching capability of the target or its host |
/// | `title~race`, `title~"single use"` | titles that contain the text, ignoring case |
///
/// `!TERM` negates, `A & B` or `A B` requires both, `A, B` requires either (lowest precedence), `( … )` groups.
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    condition: Condition,
}

impl Filter {
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        match parse::parse(text) {
            Ok(condition) => Ok(Self { text: text.to_owned(), condition }),
            Err(failure) => Err(FilterError::new(text, failure.at, failure.cause)),
        }
    }

    /// Returns whether the filter matches the sub-test.
    pub fn selects(&self, scenario: &Scenario) -> bool {
        self.condition.holds(scenario)
    }

    /// Returns "did you mean" for the first word that matches nothing and resembles something.
    pub fn hint(&self, scenarios: &[Arc<Scenario>], registry: &Registry) -> Option<String> {
        let words = self.text.split(parse::TERMINATORS).filter(|word| !word.is_empty());
        let mut meant = words.filter_map(|word| meant(word, scenarios, registry));
        meant.next().map(|meant| format!("did you mean `{meant}`?"))
    }

    /// Returns its terms that match none of the scenarios, in any combination: most are misspelt.
    pub fn idle_terms(&self, scenarios: &[Arc<Scenario>]) -> Vec<String> {
        let mut idle = Vec::new();
        self.condition.add_idle(scenarios, &mut idle);
        idle
    }

    /// Returns the filter as written.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::tests::scenario;
    use crate::scenario::model::Capability;

    #[test]
    fn terms_select_matching_subtests() {
        let mut subtest = scenario(
            "auth-keys",
            "used-count/ST4",
            "A Single-use key",
            &["used-count/ST4.2", "generate/F.1"],
        );
        subtest.needs.insert(Capability::Dashboard);
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
            ("needs=dashboard", true),
            ("needs=dash*", true),
            ("needs=wire", false),
            ("!needs=dashboard", false),
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
            ("ST[1-4]", true),
            ("\"ST[!1-4]\"", false),
            ("\"ST\"4", true),
        ] {
            assert_eq!(Filter::parse(filter).unwrap().selects(&subtest), expected, "{filter}");
        }
    }

    #[test]
    fn terms_that_match_nothing_are_named() {
        let all = [Arc::new(scenario("auth-keys", "used-count/ST4", "A key", &["used-count/ST4.2"]))];
        let idle = |filter: &str| Filter::parse(filter).unwrap().idle_terms(&all).join(" ");
        for (filter, expected) in [
            ("!kesy", "kesy"),
            ("ST4, uesd-count/*", "uesd-count/*"),
            ("ST4 !(ST9, title~KEY, suite=x)", "ST9 suite=x"),
            ("needs=wire ST4", "needs=wire"),
            ("verifies=used-count/F.* ST4 verifies=used-count/F.*", "verifies=used-count/F.*"),
            // Each term matches something, although both together match nothing.
            ("ST4 !used-count", ""),
        ] {
            assert_eq!(idle(filter), expected, "{filter}");
        }
    }

    #[test]
    fn syntax_errors_are_shown_with_a_caret() {
        for (filter, message, column) in [
            ("", "expected a term", 0),
            ("ST4 &", "expected a term", 5),
            ("ST4,,ST5", "expected a term", 4),
            ("(ST4", "expected `)`", 4),
            ("ST4)", "unmatched `)`", 3),
            ("title~\"x", "missing closing quote", 6),
            ("suit=x", "unknown key `suit`: did you mean `suite`?", 0),
            ("neds=x", "unknown key `neds`: did you mean `needs`?", 0),
            ("colour=x", "expected `verifies=`, `suite=`, `needs=` or `title~`", 0),
            ("needs=", "expected a glob after `needs=`", 0),
            ("title=x", "invalid operator for `title`: write `title~TEXT`", 0),
            ("a verifies=", "expected a glob after `verifies=`", 2),
            ("title~", "expected text after `title~`", 0),
            ("ST4 ST[1", "invalid glob: unclosed character class", 4),
        ] {
            let error = Filter::parse(filter).unwrap_err().to_string();
            let lines: Vec<&str> = error.lines().collect();
            assert!(lines[0].contains(message), "{filter}: {error}");
            assert_eq!(lines[2].find('^'), Some(column + 2), "{filter}: {error}");
            assert!(error.contains("for example"), "{error}");
        }
        assert!(Filter::parse(&"(".repeat(100_000)).is_err());
        assert!(Filter::parse(&"!".repeat(100_000)).is_err());
    }

    #[test]
    fn depth_is_limited_but_length_is_not() {
        let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
        assert!(Filter::parse(&nested(63)).is_ok());
        assert!(Filter::parse(&nested(64)).unwrap_err().to_string().contains("nested too deeply"));
        assert!(Filter::parse(&vec!["a"; 100].join(" ")).is_ok());
        assert!(Filter::parse(&vec!["!(a, b)"; 100].join(", ")).is_ok());
    }

    proptest! {
        #[test]
        fn arbitrary_text_does_not_panic(text in "[a-z*?/=~!&,()\" é]{0,40}") {
            if let Ok(filter) = Filter::parse(&text) {
                let _ = filter.selects(&scenario("s", "c/ST1", "t", &[]));
            }
        }
    }
}
