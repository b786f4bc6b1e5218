//! Requests and responses as deviations see them.

use axum::http::{HeaderMap, Method, header};
use serde_json::{Value, json};

/// A request on its way to the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct ProxyRequest {
    pub method: Method,
    /// Without the query.
    pub path: String,
    /// Decoded pairs, in their order.
    pub query: Vec<(String, String)>,
    pub token: Option<String>,
    /// All headers that are forwarded, except a bearer token.
    pub headers: HeaderMap,
    /// The body; null if it is not JSON.
    pub json: Value,
}

/// A response on its way back.
#[derive(Debug, Clone, PartialEq)]
pub struct ProxyResponse {
    pub status: u16,
    /// The body; null if it is not JSON.
    pub json: Value,
}

impl ProxyRequest {
    /// A POST that the deviation itself sends.
    pub fn post(path: &str, token: Option<&String>, json: Value) -> Self {
        Self {
            method: Method::POST,
            path: path.to_owned(),
            query: Vec::new(),
            token: token.cloned(),
            headers: HeaderMap::new(),
            json,
        }
    }

    pub fn creates_auth_key(&self) -> bool {
        self.json["action"] == "create_auth_key"
    }

    pub fn creates_api_key(&self) -> bool {
        self.json["action"] == "create_api_key"
    }

    /// Whether it creates a key of either kind.
    pub fn creates_key(&self) -> bool {
        self.creates_auth_key() || self.creates_api_key()
    }

    /// Whether it registers a machine with an auth key.
    pub fn registers(&self) -> bool {
        self.path == "/api/register-machine" && !self.json["auth_key"].is_null()
    }

    /// Whether it says that its body is JSON.
    pub fn is_declared_json(&self) -> bool {
        let content_type = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        content_type.is_some_and(|value| value.starts_with("application/json"))
    }

    /// Whether a Terraform provider sent it.
    pub fn is_of_terraform(&self) -> bool {
        let agent = self.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        agent.is_some_and(|agent| agent.starts_with("terraform-provider-"))
    }

    /// Whether it asks `/api/key-management` or its alias for that action.
    pub fn asks_for(&self, action: &str) -> bool {
        self.json["action"] == action
    }

    /// Whether it lists that table.
    pub fn lists(&self, table: &str) -> bool {
        self.method == Method::GET && self.path.strip_prefix("/api/db/") == Some(table)
    }

    /// A field of the body; empty if it is not a string.
    pub fn text(&self, field: &str) -> &str {
        self.json[field].as_str().unwrap_or_default()
    }

    /// Sets a field of the body, if the body is an object.
    pub fn set(&mut self, field: &str, value: Value) {
        if let Some(fields) = self.json.as_object_mut() {
            fields.insert(field.to_owned(), value);
        }
    }

    /// Removes a field of the body.
    pub fn remove(&mut self, field: &str) {
        if let Some(fields) = self.json.as_object_mut() {
            fields.remove(field);
        }
    }
}

impl ProxyResponse {
    /// A success in the reference's envelope.
    pub fn data(status: u16, data: Value) -> Self {
        let mut json = json!({ "success": true });
        if let Some(fields) = json.as_object_mut() {
            fields.insert("data".to_owned(), data);
        }
        Self { status, json }
    }

    /// A refusal in the reference's envelope.
    pub fn refusal(status: u16, code: &str, message: &str) -> Self {
        let error = json!({ "code": code, "message": message });
        Self { status, json: json!({ "success": false, "error": error }) }
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether it is a refusal with this code.
    pub fn refuses(&self, code: &str) -> bool {
        self.json["error"]["code"] == code
    }

    /// The rows of a list; none if the data is not a list.
    pub fn rows(&mut self) -> impl Iterator<Item = &mut Value> {
        self.json.get_mut("data").and_then(Value::as_array_mut).into_iter().flatten()
    }

    /// Changes one column of every row that has it.
    pub fn each(&mut self, column: &str, change: impl Fn(&mut Value)) {
        self.rows().filter_map(|row| row.get_mut(column)).for_each(change);
    }

    /// Keeps only the rows that satisfy `keeps`.
    pub fn retain(&mut self, keeps: impl Fn(&Value) -> bool) {
        if let Some(rows) = self.json.get_mut("data").and_then(Value::as_array_mut) {
            rows.retain(keeps);
        }
    }

    /// Sets a field of the data, if the data is an object.
    pub fn set(&mut self, field: &str, value: Value) {
        if let Some(data) = self.json.get_mut("data").and_then(Value::as_object_mut) {
            data.insert(field.to_owned(), value);
        }
    }
}
