//! Resolves JSON pointers, and `rows/…` below the rows of a list response.

use serde_json::Value;

use crate::number;
use crate::text::{plural, truncated};

/// Characters shown of the keys of an object.
const MAX_KEYS_LEN: usize = 500;

/// Returns the value at a JSON pointer (RFC 6901), or at `rows/…`, where the rows are the array at `/data` or a
/// top-level array.
pub fn resolve<'a>(json: &'a Value, pointer: &str) -> Option<&'a Value> {
    let Some(rest) = below_rows(pointer) else { return json.pointer(pointer) };
    let array = if json.is_array() { json } else { json.get("data").filter(|data| data.is_array())? };
    array.pointer(rest)
}

/// Explains why there is no value at a pointer, by its nearest existing parent.
pub fn explain_absence(json: &Value, pointer: &str) -> String {
    if below_rows(pointer).is_some() && resolve(json, "rows").is_none() {
        return format!("no value (there are no rows in {})", describe(json));
    }
    let mut above = pointer;
    while let Some((parent, _)) = above.rsplit_once('/') {
        above = parent;
        let Some(value) = resolve(json, above) else { continue };
        let name = if above.is_empty() { "the document".to_owned() } else { format!("`{above}`") };
        return format!("no value ({name} is {})", describe(value));
    }
    "no value".to_owned()
}

fn below_rows(pointer: &str) -> Option<&str> {
    pointer.strip_prefix("rows").filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        value if number::is_number(value) => "a number".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "a string".to_owned(),
        Value::Array(items) => format!("an array of length {}", items.len()),
        Value::Object(fields) if fields.is_empty() => "an empty object".to_owned(),
        Value::Object(fields) => {
            let keys: Vec<&str> = fields.keys().map(String::as_str).collect();
            let noun = plural(keys.len(), "key", "keys");
            format!("an object with {noun} {}", truncated(&keys.join(", "), MAX_KEYS_LEN))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_the_data_array_or_the_top_level_array() {
        for (json, pointer, expected) in [
            (json!({"data": [{"a": 1}]}), "rows/0/a", Some(json!(1))),
            (json!([{"a": 1}]), "rows/0/a", Some(json!(1))),
            (json!([1]), "rows", Some(json!([1]))),
            (json!({"data": {"rows": [1]}}), "rows", None),
            (json!({"rows": [1]}), "rows/0", None),
            (json!({"rowsy": 1}), "/rowsy", Some(json!(1))),
            (json!({"a/b": {"~": null}}), "/a~1b/~0", Some(json!(null))),
            (json!(7), "", Some(json!(7))),
        ] {
            assert_eq!(resolve(&json, pointer), expected.as_ref(), "{json} {pointer}");
        }
    }

    #[test]
    fn absence_is_explained_by_the_nearest_parent() {
        for (json, pointer, expected) in [
            (
                json!({"data": {"id": 1, "key": 2}}),
                "/data/kye",
                "no value (`/data` is an object with keys id, key)",
            ),
            (json!({"error": {}}), "/data/kye", "no value (the document is an object with key error)"),
            (json!({"data": []}), "rows/0/a", "no value (`rows` is an array of length 0)"),
            (json!({"error": {}}), "rows/0", "no value (there are no rows in an object with key error)"),
            (json!({"data": {}}), "/data/id", "no value (`/data` is an empty object)"),
            (json!({"data": null}), "/data/id", "no value (`/data` is null)"),
        ] {
            assert_eq!(explain_absence(&json, pointer), expected);
        }
    }
}
