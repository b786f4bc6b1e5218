//! What will change: an auth key cannot be edited, so every change of its configuration makes another.

use super::ATTRIBUTES;
use crate::schema::Role;
use crate::value::{Object, Value};

#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    pub state: Object,
    /// The attributes for which the present key must be replaced
    pub replaced_for: Vec<&'static str>,
}

/// Plans the key that `config` asks for, where `prior` is what exists.
pub fn plan(prior: Option<&Object>, config: &Object) -> Planned {
    let value = |object: &Object, name| object.get(name).cloned().unwrap_or(Value::Null);
    let mut state = Object::new();
    let mut replaced_for = Vec::new();
    for attribute in ATTRIBUTES.iter().filter(|attribute| attribute.role != Role::Computed) {
        let mut planned = value(config, attribute.name);
        if planned.is_null() && attribute.role == Role::FalseByDefault {
            planned = Value::Bool(false);
        }
        if prior.is_some_and(|prior| value(prior, attribute.name) != planned) {
            replaced_for.push(attribute.name);
        }
        state.insert(attribute.name.to_owned(), planned);
    }
    for attribute in ATTRIBUTES.iter().filter(|attribute| attribute.role == Role::Computed) {
        let planned = match prior {
            Some(prior) if replaced_for.is_empty() => value(prior, attribute.name),
            _ => Value::Unknown,
        };
        state.insert(attribute.name.to_owned(), planned);
    }
    Planned { state, replaced_for }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(changed: &[(&str, Value)]) -> Object {
        let mut config = Object::from([
            ("org_id".to_owned(), Value::text("org_9fX2kR")),
            ("tags".to_owned(), Value::List(vec![Value::text("tag:laptop")])),
        ]);
        config.extend(changed.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        config
    }

    fn existing() -> Object {
        let mut state = plan(None, &config(&[])).state;
        for value in state.values_mut().filter(|value| **value == Value::Unknown) {
            *value = Value::text("told by the control plane");
        }
        state
    }

    #[test]
    fn a_new_key_is_known_after_it_was_made() {
        let planned = plan(None, &config(&[]));
        assert!(planned.replaced_for.is_empty());
        assert_eq!(planned.state["reusable"], Value::Bool(false));
        assert_eq!(planned.state["expires_in"], Value::Null);
        for name in ["id", "key", "key_prefix", "name", "expires_at"] {
            assert_eq!(planned.state[name], Value::Unknown, "{name}");
        }
    }

    #[test]
    fn nothing_changes_without_a_change() {
        let existing = existing();
        assert_eq!(
            plan(Some(&existing), &config(&[])),
            Planned { state: existing.clone(), replaced_for: Vec::new() }
        );
        let spelt_out = config(&[("reusable", Value::Bool(false)), ("ephemeral", Value::Bool(false))]);
        assert!(plan(Some(&existing), &spelt_out).replaced_for.is_empty());
    }

    #[test]
    fn every_change_replaces_the_key() {
        for (name, value) in [
            ("org_id", Value::text("org_b71LqT")),
            ("reusable", Value::Bool(true)),
            ("ephemeral", Value::Bool(true)),
            ("expires_in", Value::Integer(3600)),
            ("tags", Value::Null),
            ("description", Value::text("Q2")),
            ("description", Value::Unknown),
        ] {
            let planned = plan(Some(&existing()), &config(&[(name, value)]));
            assert_eq!(planned.replaced_for, [name]);
            assert_eq!(planned.state["key"], Value::Unknown);
        }
    }
}
