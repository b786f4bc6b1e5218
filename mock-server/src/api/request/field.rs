//! The fields of requests.

use std::marker::PhantomData;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use utoipa::openapi::Schema;

use super::schema::nullable;
use crate::domain::Refusal;

/// A value that a field can have.
pub(in crate::api) trait FieldType: Sized {
    /// Whether a blank string counts as missing in a [`Required`] field.
    const BLANK_IS_MISSING: bool = true;

    /// Validates a value; messages refer to it as `field`.
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal>;

    fn schema() -> Schema;
}

/// A field of a request, which says how a missing value and null are handled.
pub(in crate::api) trait Field {
    type Value;
    const REQUIRED: bool;

    fn get(&self, name: &'static str) -> Result<Self::Value, Refusal>;

    fn schema() -> Schema;
}

/// A field whose absence, null or blank string is refused with MISSING_FIELDS.
pub(in crate::api) struct Required<T>(Raw, PhantomData<T>);

/// A field that may be missing or null.
pub(in crate::api) struct Optional<T>(Raw, PhantomData<T>);

/// A field that may be missing but not null.
pub(in crate::api) struct NonNull<T>(Raw, PhantomData<T>);

/// A field's value as received; null is a value.
#[derive(Default)]
struct Raw(Option<Value>);

impl<T: FieldType> Field for Required<T> {
    type Value = T;
    const REQUIRED: bool = true;

    fn get(&self, name: &'static str) -> Result<T, Refusal> {
        match &self.0.0 {
            None | Some(Value::Null) => Err(Refusal::MissingField(name)),
            Some(Value::String(text)) if T::BLANK_IS_MISSING && text.trim().is_empty() => {
                Err(Refusal::MissingField(name))
            }
            Some(value) => T::parse(name, value),
        }
    }

    fn schema() -> Schema {
        T::schema()
    }
}

impl<T: FieldType> Field for Optional<T> {
    type Value = Option<T>;
    const REQUIRED: bool = false;

    fn get(&self, name: &'static str) -> Result<Option<T>, Refusal> {
        self.0.0.as_ref().filter(|value| !value.is_null()).map(|value| T::parse(name, value)).transpose()
    }

    fn schema() -> Schema {
        nullable(T::schema())
    }
}

impl<T: FieldType> Field for NonNull<T> {
    type Value = Option<T>;
    const REQUIRED: bool = false;

    fn get(&self, name: &'static str) -> Result<Option<T>, Refusal> {
        self.0.0.as_ref().map(|value| T::parse(name, value)).transpose()
    }

    fn schema() -> Schema {
        T::schema()
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(Some(value)))
    }
}

macro_rules! deserialize_raw {
    ($($field:ident),*) => { $(
        impl<'de, T> Deserialize<'de> for $field<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Raw::deserialize(deserializer).map(|raw| Self(raw, PhantomData))
            }
        }

        impl<T> Default for $field<T> {
            fn default() -> Self {
                Self(Raw::default(), PhantomData)
            }
        }

        impl<T> $field<T> {
            /// Whether the request contains the field, even if it is null.
            #[allow(dead_code)]
            pub(in crate::api) fn is_given(&self) -> bool {
                self.0.0.is_some()
            }
        }
    )* };
}
deserialize_raw!(Required, Optional, NonNull);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::types::{Flag, NonBlank, Text};
    use super::*;

    fn field<F: for<'de> Deserialize<'de> + Field>(value: Value) -> Result<F::Value, Refusal> {
        serde_json::from_value::<F>(value).unwrap().get("f")
    }

    #[test]
    fn absent_null_and_blank_values_are_missing() {
        for blank in [json!(null), json!(""), json!("  ")] {
            let missing = field::<Required<NonBlank>>(blank).map(|text| text.0);
            assert_eq!(missing, Err(Refusal::MissingField("f")));
        }
        assert_eq!(Required::<NonBlank>::default().get("f").err(), Some(Refusal::MissingField("f")));
        assert_eq!(field::<Required<NonBlank>>(json!("x")).map(|text| text.0), Ok("x".to_owned()));
    }

    #[test]
    fn optional_values_may_be_null_and_others_must_not() {
        assert!(field::<Optional<Text>>(json!(null)).is_ok_and(|text| text.is_none()));
        assert!(Optional::<Text>::default().get("f").is_ok_and(|text| text.is_none()));
        assert!(field::<Optional<Text>>(json!("")).is_ok_and(|text| text.is_some()));
        assert_eq!(field::<NonNull<Flag>>(json!(null)).err(), Some(Refusal::invalid("f must be a boolean")));
        assert!(NonNull::<Flag>::default().get("f").is_ok_and(|flag| flag.is_none()));
    }
}
