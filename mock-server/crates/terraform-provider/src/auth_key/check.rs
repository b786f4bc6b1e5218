//! What is wrong with a configuration, found before anything is asked of the control plane.

use std::ops::RangeInclusive;

use crate::diagnostic::error_at;
use crate::plugin::message::Diagnostic;
use crate::value::{Object, Value};

/// 5 minutes to 30 days, issuing/expiry.2
const EXPIRES_IN: RangeInclusive<i64> = 300..=2_592_000;

/// Values that are known only after others were applied are judged by the control plane.
pub fn check(config: &Object) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if let Some(Value::Text(org_id)) = config.get("org_id")
        && org_id.trim().is_empty()
    {
        found.push(error_at("org_id", "org_id is empty", "Name the organisation, such as org_9fX2kR."));
    }
    let seconds = match config.get("expires_in") {
        Some(Value::Integer(seconds)) => Some(seconds.to_string()).filter(|_| !EXPIRES_IN.contains(seconds)),
        Some(Value::Fraction(seconds)) => Some(seconds.to_string()),
        // A number that no 64-bit integer holds travels as text.
        Some(Value::Text(seconds)) => Some(seconds.clone()),
        _ => None,
    };
    if let Some(seconds) = seconds {
        let detail =
            format!("{seconds} is not a whole number of seconds from 5 minutes (300) to 30 days (2592000).");
        found.push(error_at("expires_in", "expires_in is out of range", detail));
    }
    if let Some(Value::List(tags)) = config.get("tags") {
        for tag in tags.iter().filter(|tag| !is_tag(tag)) {
            let detail = match tag.as_text() {
                Some(tag) => {
                    format!("{tag:?} is not a tag.\nWrite tag:NAME, with letters, digits, - and _ in NAME.")
                }
                None => "A tag is null.\nWrite tag:NAME.".to_owned(),
            };
            found.push(error_at("tags", "a tag is malformed", detail));
        }
    }
    found
}

fn is_tag(tag: &Value) -> bool {
    match tag {
        Value::Unknown => true,
        Value::Text(tag) => {
            let name = tag.strip_prefix("tag:").unwrap_or_default();
            !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || "-_".contains(letter))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summaries(name: &str, value: Value) -> Vec<String> {
        let found = check(&Object::from([(name.to_owned(), value)]));
        for diagnostic in &found {
            assert_eq!(diagnostic.attribute.as_ref().unwrap().steps[0].attribute_name, name);
        }
        found.into_iter().map(|diagnostic| diagnostic.summary).collect()
    }

    #[test]
    fn the_bounds_of_expires_in() {
        for (value, faults) in [
            (Value::Integer(300), 0),
            (Value::Integer(2_592_000), 0),
            (Value::Null, 0),
            (Value::Unknown, 0),
            (Value::Integer(299), 1),
            (Value::Integer(2_592_001), 1),
            (Value::Integer(-1), 1),
            (Value::Fraction(3600.5), 1),
            (Value::text("1e400"), 1),
        ] {
            assert_eq!(summaries("expires_in", value.clone()).len(), faults, "{value:?}");
        }
    }

    #[test]
    fn tags_have_their_documented_form() {
        let tags = |tags: &[Value]| summaries("tags", Value::List(tags.to_vec())).len();
        assert_eq!(tags(&[Value::text("tag:laptop"), Value::text("tag:q2_fleet-a"), Value::Unknown]), 0);
        assert_eq!(
            tags(&[Value::text("laptop"), Value::text("tag:"), Value::text("tag:a b"), Value::Null]),
            4
        );
    }

    #[test]
    fn an_organisation_has_a_name() {
        assert_eq!(summaries("org_id", Value::text(" ")).len(), 1);
        assert_eq!(summaries("org_id", Value::Unknown).len(), 0);
    }
}
