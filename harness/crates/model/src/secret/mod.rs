//! Redacts secrets in everything that leaves a run.

mod credential;
mod digit;
mod escape;
mod excerpt;
mod known;
mod member;
mod name;
mod pattern;
mod segment;
mod shell;
mod spelling;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::text::foreign::shown;

pub use known::LearntSecret;
pub(crate) use member::is_secret_name;
pub(crate) use name::{is_attribute, is_credential};
pub(crate) use pattern::MIN_SECRET_LEN;

use known::Known;
use segment::{Segment, segments};

/// The secrets of a sub-test: learnt values, whatever matches a known pattern, and what stands under the name of a
/// secret, in every usual spelling. Clones share what is learnt.
#[derive(Clone, Default)]
pub struct Secrets {
    known: Arc<Mutex<Known>>,
}

impl Secrets {
    /// Adds a secret and the shell variable that replaces it.
    pub fn learn(&self, value: &str, variable: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if value.len() < MIN_SECRET_LEN || known.contains(value) || pattern::keeps_prefix_visible(value) {
            return;
        }
        known.add(LearntSecret { value: value.to_owned(), variable: variable.to_owned() });
    }

    /// Returns these secrets and more, apart from the shared ones.
    pub fn with(&self, more: impl IntoIterator<Item = LearntSecret>) -> Self {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let secrets: Vec<LearntSecret> = known.secrets().iter().cloned().chain(more).collect();
        Self { known: Arc::new(Mutex::new(Known::from(secrets))) }
    }

    /// Returns the secrets that were learnt after the first `count`.
    pub fn learnt_after(&self, count: usize) -> Vec<LearntSecret> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.secrets().iter().skip(count).cloned().collect()
    }

    /// Replaces every secret in the text by the result of `replacement`.
    pub fn replace(&self, text: &str, mut replacement: impl FnMut(&str) -> String) -> String {
        let replaced = |segment: Segment<'_>| match segment {
            Segment::Plain(text) => text.to_owned(),
            Segment::Secret { text, .. } => replacement(text),
        };
        self.segments(text).into_iter().map(replaced).collect()
    }

    /// Redacts every secret in the text, and shows the rest as [`shown`] does. Whatever leaves a run has gone through
    /// this function.
    pub fn conceal(&self, text: &str) -> String {
        let concealed = |segment: Segment<'_>| match segment {
            Segment::Plain(text) => text.to_owned(),
            Segment::Secret { shown, .. } => shown,
        };
        let redacted: String = self.segments(text).into_iter().map(concealed).collect();
        shown(&redacted).into_owned()
    }

    /// Returns the length of the longest learnt secret.
    fn longest(&self) -> usize {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.secrets().iter().map(|secret| secret.value.len()).max().unwrap_or_default()
    }

    fn segments<'t>(&self, text: &'t str) -> Vec<Segment<'t>> {
        segments(text, &self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds what stands under the names of keys and tokens, at any depth.
    pub(crate) fn learn_fields(&self, json: &Value) {
        match json {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (name.as_str(), value) {
                        ("key" | "auth_key", Value::String(value)) if value.len() >= 2 * MIN_SECRET_LEN => {
                            self.learn(value, "KEY");
                        }
                        ("access_token" | "refresh_token" | "machine_token", Value::String(value)) => {
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
