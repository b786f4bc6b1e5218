//! What passes the layer: a request on its way to the reference, an answer on its way back.

use axum::http::Method;
use serde_json::{Value, json};

/// A request on its way to the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// The bearer token.
    pub token: Option<String>,
    /// The body; null if it is no JSON.
    pub json: Value,
}

/// An answer on its way back.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The status.
    pub status: u16,
    /// The body; null if it is no JSON.
    pub json: Value,
}

impl Asked {
    /// A request of the layer's own.
    pub fn post(path: &str, token: Option<&String>, json: Value) -> Self {
        Self { method: Method::POST, path: path.to_owned(), query: Vec::new(), token: token.cloned(), json }
    }

    /// Whether it creates an auth key.
    pub fn creates_auth_key(&self) -> bool {
        self.json["action"] == "create_auth_key"
    }

    /// Whether it creates an API key.
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

    /// Whether it lists that table.
    pub fn lists(&self, table: &str) -> bool {
        self.method == Method::GET && self.path.strip_prefix("/api/db/") == Some(table)
    }

    /// A field of the body as text; empty if it is none.
    pub fn text(&self, field: &str) -> &str {
        self.json[field].as_str().unwrap_or_default()
    }

    /// Sets a field of a body that is an object.
    pub fn set(&mut self, field: &str, value: Value) {
        if let Some(fields) = self.json.as_object_mut() {
            fields.insert(field.to_owned(), value);
        }
    }

    /// Takes a field out of the body.
    pub fn take(&mut self, field: &str) {
        if let Some(fields) = self.json.as_object_mut() {
            fields.remove(field);
        }
    }
}

impl Told {
    /// A success.
    pub fn data(status: u16, data: Value) -> Self {
        let mut json = json!({ "success": true });
        if let Some(fields) = json.as_object_mut() {
            fields.insert("data".to_owned(), data);
        }
        Self { status, json }
    }

    /// A refusal.
    pub fn refusal(status: u16, code: &str, message: &str) -> Self {
        let error = json!({ "code": code, "message": message });
        Self { status, json: json!({ "success": false, "error": error }) }
    }

    /// Whether the reference did what was asked.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether it is a refusal with this code.
    pub fn refuses(&self, code: &str) -> bool {
        self.json["error"]["code"] == code
    }

    /// The rows of a list.
    pub fn rows(&mut self) -> impl Iterator<Item = &mut Value> {
        self.json.get_mut("data").and_then(Value::as_array_mut).into_iter().flatten()
    }

    /// Bends one column of every row that has it.
    pub fn each(&mut self, column: &str, bend: impl Fn(&mut Value)) {
        self.rows().filter_map(|row| row.get_mut(column)).for_each(bend);
    }

    /// Keeps only these rows of a list.
    pub fn retain(&mut self, keeps: impl Fn(&Value) -> bool) {
        if let Some(rows) = self.json.get_mut("data").and_then(Value::as_array_mut) {
            rows.retain(keeps);
        }
    }

    /// Sets a field of an answer's data, if the data is an object.
    pub fn set(&mut self, field: &str, value: Value) {
        if let Some(data) = self.json.get_mut("data").and_then(Value::as_object_mut) {
            data.insert(field.to_owned(), value);
        }
    }
}
