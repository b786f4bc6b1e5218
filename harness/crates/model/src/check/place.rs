//! Places in a JSON answer.

use serde_json::Value;

/// The value at a JSON pointer (RFC 6901), or at `rows/…`: the array at `/data`, or the answer itself if it is an array.
pub fn resolve<'a>(answer: &'a Value, place: &str) -> Option<&'a Value> {
    let Some(rest) = below_rows(place) else { return answer.pointer(place) };
    let array = if answer.is_array() { answer } else { answer.get("data").filter(|data| data.is_array())? };
    array.pointer(rest)
}

/// Why there is nothing at a place: the nearest place above it that is there, and what it has.
pub fn absence(answer: &Value, place: &str) -> String {
    if below_rows(place).is_some() && resolve(answer, "rows").is_none() {
        return format!("not there: the answer has no rows, it is {}", kind(answer));
    }
    let mut above = place;
    while let Some((parent, _)) = above.rsplit_once('/') {
        above = parent;
        let Some(value) = resolve(answer, above) else { continue };
        let name = if above.is_empty() { "the answer".to_owned() } else { format!("`{above}`") };
        return format!("not there: {name} is {}", kind(value));
    }
    "not there".to_owned()
}

fn below_rows(place: &str) -> Option<&str> {
    place.strip_prefix("rows").filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "text".to_owned(),
        Value::Array(items) => format!("an array of {}", items.len()),
        Value::Object(fields) if fields.is_empty() => "an empty object".to_owned(),
        Value::Object(fields) => {
            let keys: Vec<&str> = fields.keys().map(String::as_str).collect();
            format!("an object with {}", keys.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_the_data_or_the_array_itself() {
        for (answer, place, expected) in [
            (json!({"data": [{"a": 1}]}), "rows/0/a", Some(json!(1))),
            (json!([{"a": 1}]), "rows/0/a", Some(json!(1))),
            (json!([1]), "rows", Some(json!([1]))),
            (json!({"data": {"rows": [1]}}), "rows", None),
            (json!({"rows": [1]}), "rows/0", None),
            (json!({"rowsy": 1}), "/rowsy", Some(json!(1))),
            (json!({"a/b": {"~": null}}), "/a~1b/~0", Some(json!(null))),
            (json!(7), "", Some(json!(7))),
        ] {
            assert_eq!(resolve(&answer, place), expected.as_ref(), "{answer} {place}");
        }
    }

    #[test]
    fn what_is_not_there_is_explained_by_what_is() {
        for (answer, place, expected) in [
            (
                json!({"data": {"id": 1, "key": 2}}),
                "/data/kye",
                "not there: `/data` is an object with id, key",
            ),
            (json!({"error": {}}), "/data/kye", "not there: the answer is an object with error"),
            (json!({"data": []}), "rows/0/a", "not there: `rows` is an array of 0"),
            (json!({"error": {}}), "rows/0", "not there: the answer has no rows, it is an object with error"),
            (json!({"data": {}}), "/data/id", "not there: `/data` is an empty object"),
            (json!({"data": null}), "/data/id", "not there: `/data` is null"),
        ] {
            assert_eq!(absence(&answer, place), expected);
        }
    }
}
