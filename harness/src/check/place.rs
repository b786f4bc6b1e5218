//! Places in a JSON answer.

use serde_json::Value;

/// The value at a JSON pointer (RFC 6901), or at `rows/…`: the array at `/data`, or the answer itself if it is an array.
pub fn resolve<'a>(answer: &'a Value, place: &str) -> Option<&'a Value> {
    let rows = place.strip_prefix("rows").filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let Some(rest) = rows else {
        return answer.pointer(place);
    };
    let array = if answer.is_array() { answer } else { answer.get("data").filter(|data| data.is_array())? };
    array.pointer(rest)
}
