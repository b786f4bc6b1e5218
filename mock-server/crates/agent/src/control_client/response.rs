//! Responses of the control plane.

use serde_json::Value;

pub(super) struct Success {
    pub(super) status: u16,
    pub(super) value: Value,
}

/// Code and message of a refusal.
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
}

impl Refusal {
    /// Reads the error of the envelope, or that of RFC 6749, section 5.2.
    pub(super) fn read(response: &Value) -> Option<Self> {
        let error = response.get("error")?;
        if let Some(code) = error.as_str() {
            let message = response.get("error_description").and_then(Value::as_str).unwrap_or_default();
            return Some(Self { code: code.to_owned(), message: message.to_owned() });
        }
        let text = |field| error.get(field).and_then(Value::as_str).map(str::to_owned);
        Some(Self { code: text("code")?, message: text("message").unwrap_or_default() })
    }
}

/// Returns the root cause: reqwest's own message repeats the address.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn refusals_are_read_in_both_formats() {
        for (answer, expected) in [
            (json!({"success": false, "error": {"code": "A", "message": "b"}}), Some(("A", "b"))),
            (json!({"error": {"code": "A"}}), Some(("A", ""))),
            (json!({"error": "slow_down"}), Some(("slow_down", ""))),
            (json!({"error": "x", "error_description": "y"}), Some(("x", "y"))),
            (json!({"error": {"message": "b"}}), None),
            (json!([]), None),
        ] {
            let read = Refusal::read(&answer);
            let read = read.as_ref().map(|refusal| (refusal.code.as_str(), refusal.message.as_str()));
            assert_eq!(read, expected, "{answer}");
        }
    }
}
