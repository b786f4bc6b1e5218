//! Redacts secrets in everything that leaves a run.

mod pattern;
mod redaction;
mod segment;
mod shell;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::check::evidence::Evidence;

pub(crate) use pattern::MIN_SECRET_LEN;
pub use pattern::is_secret_field;

pub use segment::LearntSecret;
use segment::{Segment, segments};

/// The secrets of a sub-test: learnt values, and everything that matches a known pattern. Clones share what is learnt.
#[derive(Clone, Default)]
pub struct Secrets {
    known: Arc<Mutex<Vec<LearntSecret>>>,
}

impl Secrets {
    /// Adds a secret and the shell variable that replaces it.
    pub fn learn(&self, value: &str, variable: &str) {
        if value.len() < MIN_SECRET_LEN || pattern::keeps_prefix_visible(value) {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.iter().any(|secret| secret.value == value) {
            known.push(LearntSecret { value: value.to_owned(), variable: variable.to_owned() });
        }
    }

    /// Adds secrets from the evidence's fields, such as keys in another implementation's format.
    pub fn learn_from(&self, evidence: &Evidence) {
        match evidence {
            Evidence::Http(exchanges) => {
                for exchange in exchanges {
                    exchange.json().iter().for_each(|json| self.learn_fields(json));
                    let sent =
                        exchange.request_body.as_deref().and_then(|body| serde_json::from_str(body).ok());
                    sent.iter().for_each(|json| self.learn_fields(json));
                }
            }
            Evidence::Process(process) => {
                if let Ok(json) = serde_json::from_str(&process.stdout) {
                    self.learn_fields(&json);
                }
            }
            Evidence::Wire(_) | Evidence::Nothing => {}
        }
    }

    /// Returns these secrets and more, apart from the shared ones.
    pub fn with(&self, more: impl IntoIterator<Item = LearntSecret>) -> Self {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Self { known: Arc::new(Mutex::new(known.iter().cloned().chain(more).collect())) }
    }

    /// Returns the secrets that were learnt after the first `count`.
    pub fn learnt_after(&self, count: usize) -> Vec<LearntSecret> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().skip(count).cloned().collect()
    }

    /// Replaces every secret in the text by the result of `replacement`.
    pub fn replace(&self, text: &str, mut replacement: impl FnMut(&str) -> String) -> String {
        let replaced = |segment: Segment<'_>| match segment {
            Segment::Plain(text) => text.to_owned(),
            Segment::Secret { text, .. } => replacement(text),
        };
        self.segments(text).into_iter().map(replaced).collect()
    }

    /// Redacts every secret in the text.
    pub fn conceal(&self, text: &str) -> String {
        let concealed = |segment: Segment<'_>| match segment {
            Segment::Plain(text) => text.to_owned(),
            Segment::Secret { shown, .. } => shown,
        };
        self.segments(text).into_iter().map(concealed).collect()
    }

    fn segments<'t>(&self, text: &'t str) -> Vec<Segment<'t>> {
        segments(text, &self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn learn_fields(&self, json: &Value) {
        match json {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (name.as_str(), value) {
                        ("key" | "auth_key", Value::String(value)) if value.len() >= 2 * MIN_SECRET_LEN => {
                            self.learn(value, "KEY");
                        }
                        ("access_token" | "machine_token", Value::String(value)) => {
                            self.learn(value, &name.to_uppercase());
                        }
                        _ => self.learn_fields(value),
                    }
                }
            }
            Value::Array(elements) => elements.iter().for_each(|element| self.learn_fields(element)),
            _ => {}
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secrets(…)")
    }
}

#[cfg(test)]
mod tests;
