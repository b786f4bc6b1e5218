//! The JSON Schema of scenario files, for editors.

use serde_json::Value;

/// The schema (draft 2020-12).
pub fn schema() -> Value {
    Value::Null
}
