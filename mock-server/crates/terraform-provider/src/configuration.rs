//! The provider's own block: where the control plane is and who asks.

use std::time::Duration;

use crate::control_plane::{endpoint_url, is_loopback};
use crate::diagnostic::{error, error_at, warning};
use crate::plugin::message::Diagnostic;
use crate::schema::{Attribute, Role};
use crate::value::{Object, Value};

pub const DESCRIPTION: &str = "Manages auth keys of a QuickZTNA network.";

pub const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "endpoint",
        r#""string""#,
        Role::Optional,
        "The control plane; else QZ_ENDPOINT, else https://login.quickztna.com",
    ),
    Attribute::new(
        "api_key",
        r#""string""#,
        Role::Optional,
        "An API key with the scope admin; else QZ_API_KEY",
    )
    .sensitive(),
    Attribute::new(
        "timeout",
        r#""number""#,
        Role::Optional,
        "How many seconds an answer may take: 1 to 600, 30 unless set",
    ),
];

const ENDPOINT: &str = "https://login.quickztna.com";
const TIMEOUT_SECONDS: i64 = 30;

#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    pub endpoint: String,
    pub api_key: String,
    pub timeout: Duration,
}

/// What is wrong with the block as it is written; the environment is not looked at.
pub fn check(config: &Object) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if let Some(Value::Text(endpoint)) = config.get("endpoint") {
        match endpoint_url(endpoint) {
            Err(error) => found.push(error_at("endpoint", "endpoint is malformed", error.to_string())),
            Ok(url) if url.scheme() == "http" && !is_loopback(&url) => found.push(warning(
                "the API key travels in clear",
                format!("Everybody on the way to {url} can read it. Use https."),
            )),
            Ok(_) => {}
        }
    }
    if let Some(Value::Text(api_key)) = config.get("api_key")
        && api_key.is_empty()
    {
        found.push(error_at("api_key", "api_key is empty", "Remove it to use QZ_API_KEY."));
    }
    match config.get("timeout") {
        Some(Value::Null | Value::Unknown) | None => {}
        Some(Value::Integer(1..=600)) => {}
        Some(_) => found.push(error_at(
            "timeout",
            "timeout is out of range",
            "Write a whole number of seconds from 1 to 600.",
        )),
    }
    found
}

/// Completes the block from the environment, which `variable` reads.
pub fn read(config: &Object, variable: impl Fn(&str) -> Option<String>) -> Result<Configuration, Diagnostic> {
    let setting = |name: &str, other: &str| match config.get(name) {
        Some(Value::Text(text)) => Some(text.clone()),
        Some(Value::Unknown) => None,
        _ => variable(other).filter(|text| !text.is_empty()),
    };
    if config.get("api_key") == Some(&Value::Unknown) || config.get("endpoint") == Some(&Value::Unknown) {
        return Err(error(
            "the provider's configuration is not known yet",
            "endpoint and api_key come from a resource that does not exist. Create it first, with -target.",
        ));
    }
    let api_key = setting("api_key", "QZ_API_KEY").ok_or_else(|| {
        error(
            "no API key",
            "Set QZ_API_KEY, or api_key in the provider block, to an API key with the scope admin.",
        )
    })?;
    let seconds = match config.get("timeout") {
        Some(Value::Integer(seconds)) => *seconds,
        _ => TIMEOUT_SECONDS,
    };
    Ok(Configuration {
        endpoint: setting("endpoint", "QZ_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned()),
        api_key,
        timeout: Duration::from_secs(seconds.clamp(1, 600).unsigned_abs()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(members: &[(&str, Value)]) -> Object {
        members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    #[test]
    fn the_block_comes_before_the_environment() {
        let variable = |name: &str| Some(format!("{name} of the environment"));
        let read = read(&config(&[("api_key", Value::text("qztna_1"))]), variable).unwrap();
        assert_eq!(read.api_key, "qztna_1");
        assert_eq!(read.endpoint, "QZ_ENDPOINT of the environment");
        assert_eq!(read.timeout, Duration::from_secs(30));
    }

    #[test]
    fn nothing_is_asked_without_a_key() {
        assert_eq!(read(&config(&[]), |_| None).unwrap_err().summary, "no API key");
        let unknown = config(&[("api_key", Value::Unknown)]);
        assert!(
            read(&unknown, |_| Some("qztna_1".to_owned())).unwrap_err().summary.contains("not known yet")
        );
    }

    #[test]
    fn malformed_blocks() {
        for (name, value, faults) in [
            ("endpoint", Value::text("https://login.quickztna.com"), 0),
            ("endpoint", Value::text("http://127.0.0.1:8080"), 0),
            ("endpoint", Value::text("http://192.0.2.1"), 1),
            ("endpoint", Value::text("login.quickztna.com"), 1),
            ("endpoint", Value::text("https://user:word@host"), 1),
            ("endpoint", Value::text("https://host/api"), 1),
            ("api_key", Value::text(""), 1),
            ("timeout", Value::Integer(600), 0),
            ("timeout", Value::Integer(0), 1),
            ("timeout", Value::Fraction(1.5), 1),
            ("timeout", Value::Unknown, 0),
        ] {
            assert_eq!(check(&config(&[(name, value.clone())])).len(), faults, "{name} {value:?}");
        }
    }
}
