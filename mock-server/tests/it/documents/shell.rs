//! A shell that runs the lines of a document against a `mock-server serve`.

use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server_process::ServerProcess;
use crate::test_server::key_of;

/// A control plane, and the values of the placeholders in a document's lines.
pub(crate) struct Shell {
    _folder: TempDir,
    server: ServerProcess,
    api_key: String,
    values: Vec<(String, String)>,
}

impl Shell {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let server = ServerProcess::start(folder.path(), &[]);
        let values = vec![("YOUR_ORG_ID".to_owned(), server.text("/org_id").to_owned())];
        let mut shell = Self { _folder: folder, server, api_key: String::new(), values };
        let created = shell.post_as_admin(&json!({ "action": "create_api_key", "name": "guide" }));
        shell.api_key = created["data"]["key"].as_str().expect("an API key").to_owned();
        shell
    }

    /// Substitutes `value` for `placeholder` in later lines.
    pub(crate) fn substitute(&mut self, placeholder: &str, value: &str) {
        self.values.push((placeholder.to_owned(), value.to_owned()));
    }

    /// Runs a line in a shell and returns the JSON that it prints.
    pub(crate) fn run(&self, line: &str) -> Value {
        let mut line = line.replace("https://login.quickztna.com", self.server.text("/base_url"));
        for (placeholder, value) in &self.values {
            line = line.replace(placeholder, value);
        }
        let output = Command::new("sh")
            .args(["-c", &line])
            .env("TOKEN", self.server.text("/admin/token"))
            .env("MEMBER_TOKEN", self.server.text("/member/token"))
            .env("ORG_ID", self.server.text("/org_id"))
            .env("QZ_API_KEY", &self.api_key)
            .output()
            .expect("sh runs");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!(
                "{error}: {line}\n{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            )
        })
    }

    /// Registers a machine as the agent does; returns the response.
    pub(crate) fn register(&self, name: &str, key: &str) -> Value {
        let body = json!({ "auth_key": key, "name": name, "public_key": key_of(name) });
        self.run(&format!("curl -s https://login.quickztna.com/api/register-machine -d '{body}'"))
    }

    /// Creates a reusable auth key as the dashboard does; returns the response.
    pub(crate) fn create_auth_key(&self, name: &str) -> Value {
        self.post_as_admin(&json!({ "action": "create_auth_key", "name": name, "reusable": true }))
    }

    fn post_as_admin(&self, body: &Value) -> Value {
        let mut body = body.clone();
        body["org_id"] = self.server.text("/org_id").into();
        self.run(&format!(
            "curl -s https://login.quickztna.com/api/key-management -H \"Authorization: Bearer $TOKEN\" -d '{body}'"
        ))
    }
}
