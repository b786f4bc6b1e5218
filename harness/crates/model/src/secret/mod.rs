//! Redacts secrets in everything that leaves a run.

mod credential;
mod digit;
mod escape;
mod excerpt;
mod known;
mod member;
mod name;
mod pattern;
mod redaction;
mod segment;
mod shell;
mod spelling;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::check::evidence::{Evidence, Exchange};
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

    /// Adds secrets from the evidence's fields, such as keys in another implementation's format.
    pub fn learn_from(&self, evidence: &Evidence) {
        match evidence {
            Evidence::Http(exchanges) => {
                for exchange in exchanges {
                    exchange.json().iter().for_each(|json| self.learn_fields(json));
                    let sent =
                        exchange.request_body.as_deref().and_then(|body| serde_json::from_str(body).ok());
                    sent.iter().for_each(|json| self.learn_fields(json));
                    self.learn_cookies(exchange);
                }
            }
            Evidence::Process(process) => {
                if let Ok(json) = serde_json::from_str(&process.stdout) {
                    self.learn_fields(&json);
                }
            }
            Evidence::Page(page) => {
                for (name, value) in &page.storage {
                    self.learn_fields(&serde_json::json!({ name: value }));
                }
                let sent = page.requests.iter().filter_map(|request| request.body.as_deref());
                sent.filter_map(|body| serde_json::from_str(body).ok())
                    .for_each(|body| self.learn_fields(&body));
            }
            Evidence::Wire(_) | Evidence::Nothing => {}
        }
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

    /// A cookie that the target sets may come back in other places, if it is long enough to be a session.
    fn learn_cookies(&self, exchange: &Exchange) {
        let set = exchange.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("set-cookie"));
        let pairs = set.filter_map(|header| header.value.split(';').next()?.split_once('='));
        for (_, value) in pairs.filter(|(_, value)| value.len() >= 2 * MIN_SECRET_LEN) {
            self.learn(value, "COOKIE");
        }
    }

    fn learn_fields(&self, json: &Value) {
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
