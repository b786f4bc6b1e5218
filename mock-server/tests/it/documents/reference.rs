//! A reference to paste into, as `mock-server serve` starts it, and a shell to paste from.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A running `mock-server serve`; killed when dropped.
pub(crate) struct Reference {
    process: Child,
    ready: Value,
    api_key: String,
    put_in: Vec<(String, String)>,
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Reference {
    /// Starts one, unless a tool that the documents' lines use is missing here: then it says so.
    pub(crate) fn start() -> Option<Self> {
        for tool in ["sh", "curl", "python3"] {
            let there = Command::new(tool)
                .arg(if tool == "sh" { "-c" } else { "--version" })
                .arg(":")
                .output()
                .is_ok();
            assert!(
                there || std::env::var_os("ZTNA_TESTS_SKIP_NOTHING").is_none(),
                "{tool} is not installed"
            );
            if !there {
                eprintln!("skipped: {tool} is not installed, and the documents' curl lines need it");
                return None;
            }
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ready_file = folder.path().join("ready.json");
        let process = Command::new(env!("CARGO_BIN_EXE_mock-server"))
            .args(["serve", "--listen", "127.0.0.1:0", "--ready-file"])
            .arg(&ready_file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mock-server starts");
        let mut reference = Self { process, ready: Value::Null, api_key: String::new(), put_in: Vec::new() };
        let began = Instant::now();
        while reference.ready.is_null() {
            assert!(began.elapsed() < Duration::from_secs(30), "mock-server did not get ready");
            let read = std::fs::read(&ready_file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
            reference.ready = read.unwrap_or_default();
            std::thread::sleep(Duration::from_millis(10));
        }
        let created = reference.post_as_admin(&json!({ "action": "create_api_key", "name": "guide" }));
        reference.api_key = created["data"]["key"].as_str().expect("an API key").to_owned();
        Some(reference)
    }

    /// From now on, `placeholder` in a line stands for this value.
    pub(crate) fn put_in(&mut self, placeholder: &str, value: &str) {
        self.put_in.push((placeholder.to_owned(), value.to_owned()));
    }

    /// Pastes a line into a shell; answers the JSON that it prints.
    pub(crate) fn run(&self, line: &str) -> Value {
        let ready = |pointer: &str| self.ready.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let mut line = line.replace("https://login.quickztna.com", ready("/base_url"));
        for (placeholder, value) in [("YOUR_ORG_ID", ready("/org_id"))]
            .into_iter()
            .chain(self.put_in.iter().map(|(p, v)| (&**p, &**v)))
        {
            line = line.replace(placeholder, value);
        }
        let output = Command::new("sh")
            .args(["-c", &line])
            .env("TOKEN", ready("/admin/token"))
            .env("MEMBER_TOKEN", ready("/member/token"))
            .env("ORG_ID", ready("/org_id"))
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

    /// Registers a machine, as the agent does; answers what came.
    pub(crate) fn register(&self, name: &str, key: &str) -> Value {
        let body = json!({ "auth_key": key, "name": name, "public_key": PUBLIC_KEY });
        self.run(&format!("curl -s https://login.quickztna.com/api/register-machine -d '{body}'"))
    }

    /// Creates a reusable auth key, as the dashboard does; answers what came.
    pub(crate) fn create_auth_key(&self, name: &str) -> Value {
        self.post_as_admin(&json!({ "action": "create_auth_key", "name": name, "reusable": true }))
    }

    fn post_as_admin(&self, body: &Value) -> Value {
        let mut body = body.clone();
        body["org_id"] = self.ready["org_id"].clone();
        self.run(&format!(
            "curl -s https://login.quickztna.com/api/key-management -H \"Authorization: Bearer $TOKEN\" -d '{body}'"
        ))
    }
}

const PUBLIC_KEY: &str = "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=";
