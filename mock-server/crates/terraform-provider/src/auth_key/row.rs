//! Between Terraform's state and what the control plane says of a key.

use serde_json::{Value as Json, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::ATTRIBUTES;
use crate::schema::complete;
use crate::value::{Object, Value};

/// What was found of a key that the state holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// Lets machines join, or did so once if it is a single-use key
    Valid(Object),
    /// Revoked, expired or unknown: to be made anew
    Gone,
}

/// The request that creates the key of a plan, in the form of the issuing guide.
pub fn request(planned: &Object) -> Json {
    let mut request = json!({ "action": "create_auth_key" });
    for name in ["org_id", "reusable", "ephemeral", "expires_in", "tags", "description"] {
        let value = match planned.get(name) {
            Some(Value::Text(text)) => json!(text),
            Some(Value::Bool(value)) => json!(value),
            Some(Value::Integer(number)) => json!(number),
            Some(Value::List(items)) => items.iter().filter_map(Value::as_text).collect(),
            _ => continue,
        };
        request[name] = value;
    }
    request
}

/// The state after the key was created; `None` if the answer lacks the key itself.
pub fn state_of_answer(planned: &Object, answer: &Json) -> Option<Object> {
    let text = |name| answer.get(name).and_then(Json::as_str).map(Value::text);
    let mut state = complete(ATTRIBUTES, planned.clone());
    state.insert("id".to_owned(), text("id")?);
    state.insert("key".to_owned(), text("key")?);
    for name in ["key_prefix", "name", "expires_at"] {
        state.insert(name.to_owned(), text(name).unwrap_or(Value::Null));
    }
    Some(state)
}

/// The state after the control plane was asked for the key's row; what the row does not tell stays.
pub fn state_of_row(known: &Object, row: &Json, now: OffsetDateTime) -> Found {
    let expires_at = time_of(row, "expires_at");
    if row["revoked"] == true || expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Found::Gone;
    }
    let mut state = complete(ATTRIBUTES, known.clone());
    for name in ["id", "org_id", "key_prefix", "name", "expires_at", "description"] {
        if let Some(text) = row.get(name).and_then(Json::as_str) {
            state.insert(name.to_owned(), Value::text(text));
        }
    }
    for name in ["reusable", "ephemeral"] {
        if let Some(value) = row.get(name).and_then(Json::as_bool) {
            state.insert(name.to_owned(), Value::Bool(value));
        }
    }
    if let Some(tags) = row.get("tags").and_then(Json::as_array) {
        let mut tags: Vec<_> = tags.iter().filter_map(Json::as_str).map(with_prefix).collect();
        tags.sort();
        if sorted_tags(known) != tags {
            state.insert("tags".to_owned(), Value::List(tags.into_iter().map(Value::Text).collect()));
        }
    }
    Found::Valid(state)
}

/// The state of a key that is imported: `expires_in` is what its row implies, and the key itself cannot be retrieved.
pub fn unread_state(row: &Json, now: OffsetDateTime) -> Found {
    let Found::Valid(mut state) = state_of_row(&Object::new(), row, now) else {
        return Found::Gone;
    };
    if let (Some(created_at), Some(expires_at)) = (time_of(row, "created_at"), time_of(row, "expires_at")) {
        state.insert("expires_in".to_owned(), Value::Integer((expires_at - created_at).whole_seconds()));
    }
    Found::Valid(state)
}

fn time_of(row: &Json, name: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(row.get(name)?.as_str()?, &Rfc3339).ok()
}

/// A control plane may keep tags without the prefix that every request has.
fn with_prefix(tag: &str) -> String {
    if tag.starts_with("tag:") { tag.to_owned() } else { format!("tag:{tag}") }
}

fn sorted_tags(state: &Object) -> Vec<String> {
    let mut tags: Vec<_> = match state.get("tags") {
        Some(Value::List(tags)) => tags.iter().filter_map(Value::as_text).map(with_prefix).collect(),
        _ => Vec::new(),
    };
    tags.sort();
    tags
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::plan;
    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);

    fn planned() -> Object {
        let tags = Value::List(vec![Value::text("tag:laptop"), Value::text("tag:eng")]);
        let config = Object::from([
            ("org_id".to_owned(), Value::text("org_9fX2kR")),
            ("reusable".to_owned(), Value::Bool(true)),
            ("expires_in".to_owned(), Value::Integer(3600)),
            ("tags".to_owned(), tags),
        ]);
        plan(None, &config).state
    }

    fn row() -> Json {
        json!({
            "id": "k1", "org_id": "org_9fX2kR", "name": "x", "key_prefix": "tskey-auth-1...", "reusable": true,
            "ephemeral": false, "revoked": false, "tags": ["eng", "laptop"], "description": null,
            "created_at": "2026-11-26T11:30:00.5Z", "expires_at": "2026-11-26T12:30:00.5Z",
        })
    }

    fn created() -> Object {
        let answer = json!({ "id": "k1", "key": "tskey-auth-1", "key_prefix": "tskey-auth-1...", "name": "x",
                             "expires_at": "2026-11-26T12:30:00.5Z" });
        state_of_answer(&planned(), &answer).unwrap()
    }

    #[test]
    fn the_request_has_what_the_guide_names() {
        let expected = json!({ "action": "create_auth_key", "org_id": "org_9fX2kR", "reusable": true, "ephemeral": false,
                               "expires_in": 3600, "tags": ["tag:laptop", "tag:eng"] });
        assert_eq!(request(&planned()), expected);
    }

    #[test]
    fn a_key_without_its_text_is_no_key() {
        assert_eq!(state_of_answer(&planned(), &json!({ "id": "k1" })), None);
        assert!(!created().values().any(|value| *value == Value::Unknown));
    }

    #[test]
    fn a_row_that_says_the_same_changes_nothing() {
        assert_eq!(state_of_row(&created(), &row(), NOW), Found::Valid(created()));
    }

    #[test]
    fn keys_that_let_nobody_join_are_gone() {
        let mut revoked = row();
        revoked["revoked"] = json!(true);
        assert_eq!(state_of_row(&created(), &revoked, NOW), Found::Gone);
        assert_eq!(state_of_row(&created(), &row(), datetime!(2026-11-26 12:30:01 UTC)), Found::Gone);
    }

    #[test]
    fn drift_is_seen() {
        let mut changed = row();
        changed["tags"] = json!(["eng"]);
        changed["reusable"] = json!(false);
        let Found::Valid(state) = state_of_row(&created(), &changed, NOW) else { panic!("gone") };
        assert_eq!(state["tags"], Value::List(vec![Value::text("tag:eng")]));
        assert_eq!(state["reusable"], Value::Bool(false));
    }

    #[test]
    fn an_imported_key_matches_its_configuration() {
        let Found::Valid(state) = unread_state(&row(), NOW) else { panic!("gone") };
        assert_eq!(state["expires_in"], Value::Integer(3600));
        assert_eq!(state["key"], Value::Null);
    }
}
