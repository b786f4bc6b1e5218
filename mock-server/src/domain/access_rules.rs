//! Access rules of an organisation (`issuing/tags.3`): how many there may be, and which of several is not valid.
//!
//! What a rule says, and what a set of rules allows, is [`ztna_protocol::access`], since every machine applies them.

use ztna_protocol::access::{AccessRule, RuleError, RuleView};

use super::Refusal;

/// The maximum number of rules of an organisation.
pub const MAX_RULES: usize = 256;

/// Why a list of rules is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRules {
    #[error("rules must not have more than {MAX_RULES} elements")]
    TooMany,
    #[error("rules[{at}].{reason}")]
    Rule { at: usize, reason: RuleError },
}

/// Validates rules, and returns them in their usual spelling.
pub fn normalise(rules: &[RuleView]) -> Result<Vec<RuleView>, InvalidRules> {
    if rules.len() > MAX_RULES {
        return Err(InvalidRules::TooMany);
    }
    let parsed = |(at, rule)| match AccessRule::parse(rule) {
        Ok(rule) => Ok(rule.view()),
        Err(reason) => Err(InvalidRules::Rule { at, reason }),
    };
    rules.iter().enumerate().map(parsed).collect()
}

/// Refuses to replace another version than the caller expects, so that two admins do not undo each other's changes.
pub fn check_version(current: i64, expected: Option<i64>) -> Result<(), Refusal> {
    match expected {
        Some(expected) if expected != current => Err(Refusal::AccessRulesChanged { version: current }),
        _ => Ok(()),
    }
}

impl From<InvalidRules> for Refusal {
    fn from(reason: InvalidRules) -> Self {
        Self::invalid(reason.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(src: &str, dst: &str, proto: Option<&str>) -> RuleView {
        RuleView { src: vec![src.to_owned()], dst: vec![dst.to_owned()], proto: proto.map(str::to_owned) }
    }

    #[test]
    fn rules_are_spelled_in_one_way() {
        let kept = normalise(&[rule("tag:laptop", "tag:prod:22-22,80", None)]).unwrap();
        assert_eq!(kept, [rule("tag:laptop", "tag:prod:22,80", Some("any"))]);
        assert_eq!(normalise(&kept).as_ref(), Ok(&kept));
    }

    #[test]
    fn the_wrong_part_is_named() {
        let valid = rule("*", "*:*", None);
        let refused = normalise(&[valid.clone(), rule("*", "tag:prod", None)]).unwrap_err();
        let message = Refusal::from(refused).message().into_owned();
        assert!(message.starts_with("rules[1].dst[0]: invalid destination \"tag:prod\""), "{message}");
        assert_eq!(normalise(&vec![valid.clone(); 257]), Err(InvalidRules::TooMany));
        assert!(normalise(&vec![valid; 256]).is_ok());
    }

    #[test]
    fn only_the_expected_version_is_replaced() {
        assert_eq!((check_version(3, None), check_version(3, Some(3))), (Ok(()), Ok(())));
        for expected in [0, 2, 4] {
            let refused = check_version(3, Some(expected));
            assert_eq!(refused, Err(Refusal::AccessRulesChanged { version: 3 }));
        }
    }
}
