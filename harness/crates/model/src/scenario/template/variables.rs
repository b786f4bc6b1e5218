use std::collections::BTreeMap;

use serde_json::Value;

use super::error::{LengthError, MAX_LONG_LEN};

/// The built-in variables, besides `${long:N}`.
pub const BUILT_IN: [&str; 25] = [
    "org",
    "other_org",
    "quota_org",
    "quota_limit",
    "base_url",
    "run",
    "address",
    "address_block",
    "network",
    "token.admin",
    "token.owner",
    "token.member",
    "token.outsider",
    "service",
    "installer.url",
    "installer.image",
    "docker.host",
    "terraform.provider",
    "terraform.endpoint",
    "terraform.api_key",
    "uuid",
    "public_key",
    "secret_hex",
    "null",
    "absent",
];

/// The value of a variable.
#[derive(Debug, Clone, PartialEq)]
pub enum Binding {
    Value(Value),
    /// `${absent}`: the key or array element that contains it is omitted.
    Absent,
}

pub trait Variables {
    /// Returns the value of a variable. Not called for `${null}`, `${absent}` and generated values.
    fn get(&self, name: &str) -> Option<Binding>;
}

impl Variables for BTreeMap<String, Binding> {
    fn get(&self, name: &str) -> Option<Binding> {
        BTreeMap::get(self, name).cloned()
    }
}

impl Variables for BTreeMap<String, Value> {
    fn get(&self, name: &str) -> Option<Binding> {
        BTreeMap::get(self, name).cloned().map(Binding::Value)
    }
}

/// Generates the values that are new at each use.
pub trait Generators {
    fn uuid(&self) -> String;
    /// Returns a random WireGuard public key in base64.
    fn public_key(&self) -> String;
    /// Returns 32 random bytes in lower-case hex, as after the prefix of a key.
    fn secret_hex(&self) -> String;
}

/// The variables available to a template.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub variables: &'a dyn Variables,
    /// `None` where a new value makes no sense, as in checks.
    pub generators: Option<&'a dyn Generators>,
}

/// Returns the length of `${long:N}`, or `None` for other names.
pub(in crate::scenario) fn long_len(name: &str) -> Option<Result<usize, LengthError>> {
    let length = name.strip_prefix("long:")?;
    let parsed = length.parse::<usize>().ok().filter(|length| *length <= MAX_LONG_LEN);
    Some(parsed.ok_or_else(|| LengthError(length.to_owned())))
}
