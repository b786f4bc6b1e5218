//! Headers of requests and responses.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A header, stored as a pair of name and value. Names are in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Pair", into = "Pair")]
#[schemars(with = "Pair")]
pub struct Header {
    pub name: String,
    pub value: String,
}

type Pair = (String, String);

impl Header {
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

impl fmt::Display for Header {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.name, self.value)
    }
}

impl From<Pair> for Header {
    fn from((name, value): Pair) -> Self {
        Self { name, value }
    }
}

impl From<Header> for Pair {
    fn from(header: Header) -> Self {
        (header.name, header.value)
    }
}
