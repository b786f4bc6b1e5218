//! Terraform's values: what an attribute holds, and how it travels (MessagePack) and is stored (JSON).

use std::collections::BTreeMap;

use rmpv::Value as Packed;

use crate::plugin::message::DynamicValue;

/// The extension type of a value that is known only after it was applied.
const UNKNOWN: i8 = 0;
/// The extension type of an unknown value of which something is known, such as that it is not null.
const REFINED_UNKNOWN: i8 = 12;
/// How deep a value may be nested; schemas of this provider need three levels.
const MAX_DEPTH: usize = 32;

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    /// Known after apply
    Unknown,
    Bool(bool),
    Integer(i64),
    /// A number that is not a 64-bit integer
    Fraction(f64),
    Text(String),
    List(Vec<Value>),
    Object(Object),
}

pub type Object = BTreeMap<String, Value>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Terraform sent a value that is not MessagePack: {0}")]
    Packed(#[from] rmpv::decode::Error),
    #[error("Terraform sent a state that is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("Terraform sent a value of another kind: {0}")]
    Kind(&'static str),
    #[error("the value cannot be written: {0}")]
    Encode(#[from] rmpv::encode::Error),
}

impl Value {
    /// Reads what Terraform sent. What is absent is null.
    pub fn decode(value: Option<&DynamicValue>) -> Result<Self, Error> {
        match value {
            Some(value) if !value.msgpack.is_empty() => {
                let packed =
                    rmpv::decode::read_value_with_max_depth(&mut value.msgpack.as_slice(), MAX_DEPTH)?;
                Self::of_packed(packed)
            }
            Some(value) if !value.json.is_empty() => Self::of_json(&value.json),
            _ => Ok(Self::Null),
        }
    }

    /// Reads a value of a state file.
    pub fn of_json(json: &[u8]) -> Result<Self, Error> {
        Ok(from_json(serde_json::from_slice(json)?))
    }

    pub fn encode(self) -> Result<DynamicValue, Error> {
        let mut msgpack = Vec::new();
        rmpv::encode::write_value(&mut msgpack, &self.into_packed())?;
        Ok(DynamicValue { msgpack, json: Vec::new() })
    }

    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// The attributes of an object; `None` if it is null, as a resource before it exists or after it is gone.
    pub fn into_object(self) -> Result<Option<Object>, Error> {
        match self {
            Self::Null => Ok(None),
            Self::Object(object) => Ok(Some(object)),
            _ => Err(Error::Kind("an object was expected")),
        }
    }

    fn of_packed(packed: Packed) -> Result<Self, Error> {
        Ok(match packed {
            Packed::Nil => Self::Null,
            Packed::Boolean(value) => Self::Bool(value),
            Packed::Integer(number) => match number.as_i64() {
                Some(number) => Self::Integer(number),
                None => Self::Fraction(number.as_f64().unwrap_or(f64::INFINITY)),
            },
            Packed::F32(number) => Self::Fraction(number.into()),
            Packed::F64(number) => Self::Fraction(number),
            Packed::String(text) => match text.into_str() {
                Some(text) => Self::Text(text),
                None => return Err(Error::Kind("a text is not UTF-8")),
            },
            Packed::Array(items) => {
                Self::List(items.into_iter().map(Self::of_packed).collect::<Result<_, _>>()?)
            }
            Packed::Map(members) => Self::Object(
                members
                    .into_iter()
                    .map(|(name, value)| match name.as_str() {
                        Some(name) => Ok((name.to_owned(), Self::of_packed(value)?)),
                        None => Err(Error::Kind("the name of an attribute is not a text")),
                    })
                    .collect::<Result<_, _>>()?,
            ),
            Packed::Ext(UNKNOWN | REFINED_UNKNOWN, _) => Self::Unknown,
            Packed::Ext(..) | Packed::Binary(_) => {
                return Err(Error::Kind("neither JSON's kinds nor unknown"));
            }
        })
    }

    fn into_packed(self) -> Packed {
        match self {
            Self::Null => Packed::Nil,
            Self::Unknown => Packed::Ext(UNKNOWN, vec![0]),
            Self::Bool(value) => Packed::Boolean(value),
            Self::Integer(number) => Packed::from(number),
            Self::Fraction(number) => Packed::F64(number),
            Self::Text(text) => Packed::from(text),
            Self::List(items) => Packed::Array(items.into_iter().map(Self::into_packed).collect()),
            Self::Object(members) => Packed::Map(
                members.into_iter().map(|(name, value)| (Packed::from(name), value.into_packed())).collect(),
            ),
        }
    }
}

fn from_json(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => Value::Integer(number),
            None => Value::Fraction(number.as_f64().unwrap_or(f64::INFINITY)),
        },
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Array(items) => Value::List(items.into_iter().map(from_json).collect()),
        serde_json::Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, from_json(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            Just(Value::Unknown),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Integer),
            ".*".prop_map(Value::Text),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
                prop::collection::btree_map(".{0,8}", inner, 0..4).prop_map(Value::Object),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value in any_value()) {
            let encoded = value.clone().encode().unwrap();
            prop_assert_eq!(Value::decode(Some(&encoded)).unwrap(), value);
        }

        #[test]
        fn no_bytes_end_the_provider(msgpack in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Value::decode(Some(&DynamicValue { msgpack, json: Vec::new() }));
        }
    }

    #[test]
    fn unknown_values_are_read_in_both_spellings() {
        for msgpack in [vec![0xd4, 0, 0], vec![0xc7, 3, 12, 0x81, 1, 0xc2]] {
            let value = DynamicValue { msgpack, json: Vec::new() };
            assert_eq!(Value::decode(Some(&value)).unwrap(), Value::Unknown);
        }
    }

    #[test]
    fn deep_values_are_refused() {
        let mut msgpack = vec![0x91; 10_000];
        msgpack.push(0xc0);
        assert!(Value::decode(Some(&DynamicValue { msgpack, json: Vec::new() })).is_err());
    }
}
