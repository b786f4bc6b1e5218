//! The id of something on the target, as the target writes it: no document says whether it is a string or a number.

use std::fmt;

use serde_json::Value;

use harness_model::number;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Id {
    Text(String),
    /// The digits, also of a number that is longer than the parser holds.
    Number(String),
}

impl Id {
    /// Returns the id; `None` if the value is neither a string nor a number.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(_) => Some(Self::Number(number::json_text(value))),
            _ => match number::exact(value) {
                Some(digits) => Some(Self::Number(digits.to_owned())),
                None => value.as_str().map(|text| Self::Text(text.to_owned())),
            },
        }
    }

    /// Returns the id of a row.
    pub(super) fn in_row(row: &Value) -> Option<Self> {
        row.get("id").and_then(Self::of)
    }

    /// Returns the value to send back to the target.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.as_str()),
            Self::Number(digits) => number::parse(digits).unwrap_or_else(|_| Value::from(digits.as_str())),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Text(text) | Self::Number(text)) = self;
        formatter.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_sent_back_as_they_came() {
        for (json, shown) in [
            ("\"key/1\"", "key/1"),
            ("\"41006\"", "41006"),
            ("41006", "41006"),
            ("18446744073709551617", "18446744073709551617"),
        ] {
            let id = Id::of(&number::parse(json).unwrap()).unwrap();
            assert_eq!((number::json_text(&id.to_json()).as_str(), id.to_string().as_str()), (json, shown));
        }
        for json in ["null", "true", "{}", "[41006]"] {
            assert_eq!(Id::of(&number::parse(json).unwrap()), None, "{json}");
        }
    }
}
