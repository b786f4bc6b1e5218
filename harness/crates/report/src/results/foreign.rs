//! Results as a whole are text of others: of the target, of a folder of scenarios, of a file that somebody sent.

use serde_json::Value;

use super::format::Results;
use harness_model::text::foreign::shown;

impl Results {
    /// Reads `results.json`.
    ///
    /// # Errors
    /// It is not JSON, or not of results.
    pub fn read(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice::<Self>(text).map(|results| results.shown())
    }

    /// Returns the results with every text as [`shown`] shows it, so that no report obeys or hides a part of one.
    #[must_use]
    pub fn shown(&self) -> Self {
        let Ok(mut json) = serde_json::to_value(self) else { return self.clone() };
        show(&mut json);
        serde_json::from_value(json).unwrap_or_else(|_| self.clone())
    }
}

/// Shows every text in the value.
fn show(json: &mut Value) {
    match json {
        Value::String(text) => *text = shown(text).into_owned(),
        Value::Array(items) => items.iter_mut().for_each(show),
        Value::Object(fields) => fields.values_mut().for_each(show),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
