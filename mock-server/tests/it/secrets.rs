//! Secrets stay secret with every log at TRACE: server and agent go through key creation, registration, login, listing,
//! refusals and usage errors; then everything that they wrote is searched.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::agent::Running;
use crate::server_process::ServerProcess;

const PASSWORD_IN_ADDRESS: &str = "hunter2-in-the-address";

/// The programs of one run, what they wrote, and the secrets that must not occur in it.
struct TestRun {
    folder: tempfile::TempDir,
    server: ServerProcess,
    client: reqwest::Client,
    written: Vec<(String, String)>,
    secrets: Vec<(&'static str, String)>,
}

impl TestRun {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name| File::create(folder.path().join(name)).unwrap();
        let database = format!("sqlite:{}", folder.path().join("plane.db").display());
        let mut command = ServerProcess::command(&["--test-control", "--database", &database]);
        command.env("RUST_LOG", "trace").stdout(file("server.out")).stderr(file("server.log"));
        let server = ServerProcess::spawn(folder.path(), command);
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let secrets = vec![("a password in an address", PASSWORD_IN_ADDRESS.to_owned())];
        let mut test = Self { folder, server, client, written: Vec::new(), secrets };
        for person in ["admin", "owner", "member", "outsider"] {
            test.keep("a password", test.text(&format!("/{person}/password")));
            test.keep("a session", test.text(&format!("/{person}/token")));
        }
        let control_url = test.text("/control_url");
        test.keep("the token of the test control", control_url.rsplit('/').next().unwrap().to_owned());
        test
    }

    fn text(&self, pointer: &str) -> String {
        self.server.text(pointer).to_owned()
    }

    /// Remembers a secret to search for, without the prefix of a key, which may be shown.
    fn keep(&mut self, what: &'static str, secret: String) -> String {
        let own = ["tskey-auth-", "qztna_", "ztm_"].iter().find_map(|prefix| secret.strip_prefix(prefix));
        self.secrets.push((what, own.unwrap_or(&secret).to_owned()));
        secret
    }

    async fn post(&self, path: &str, bearer: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.text("/base_url"))).bearer_auth(bearer);
        let response = request.body(body).send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default())
    }

    fn state_dir(&self, machine: &str) -> PathBuf {
        self.folder.path().join(machine)
    }

    fn ztna(&self, machine: &str, words: &[&str], environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ztna"));
        command.args(words).env_clear().env("RUST_LOG", "trace").env("ZTNA_LOG", "trace");
        command.env("ZTNA_STATE_DIR", self.state_dir(machine)).env("ZTNA_SERVER", self.text("/base_url"));
        command.envs(environment.iter().copied()).stdin(Stdio::null());
        command
    }

    /// Runs `ztna` to its end and returns its standard output, which is not searched; its standard error is.
    fn run(&mut self, words: &[&str], environment: &[(&str, &str)], code: i32) -> String {
        let ended = self.ztna("machine", words, environment).output().unwrap();
        let (out, told) =
            (String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap());
        assert_eq!(ended.status.code(), Some(code), "{words:?}: {out}{told}");
        self.written.push((format!("standard error of {words:?}"), told));
        out
    }

    fn run_searched(&mut self, words: &[&str], environment: &[(&str, &str)], code: i32) {
        let out = self.run(words, environment, code);
        self.written.push((format!("standard output of {words:?}"), out));
    }

    /// Starts `ztna`, waits for a line that contains `until`, runs `script`, and waits for the end.
    async fn stay(
        &mut self,
        words: &[&str],
        environment: &[(&str, &str)],
        until: &str,
        script: impl AsyncFnOnce(&mut Self, &str),
    ) {
        let mut command = self.ztna("machine", words, environment);
        let running = Running::start(&mut command).until(until);
        let seen = running.lines.join("\n");
        script(self, &seen).await;
        let (status, out, told) = running.output();
        assert!(status.success(), "{words:?}: {out:?}");
        self.written.push((format!("standard output of {words:?}"), out.join("\n")));
        self.written.push((format!("standard error of {words:?}"), told));
    }

    fn keep_state(&mut self) {
        let state: Value = read_json(&self.state_dir("machine").join("state.json"));
        for (what, pointer) in [
            ("the node key", "/node_key"),
            ("a machine token", "/machine/token"),
            ("a session", "/session/access_token"),
        ] {
            if let Some(secret) = state.pointer(pointer).and_then(Value::as_str) {
                self.keep(what, secret.to_owned());
            }
        }
    }

    /// Stops the server and searches everything that was written.
    fn search(mut self) {
        self.server.signal(Signal::TERM);
        assert!(self.server.wait().success());
        for name in ["server.out", "server.log", "plane.db", "plane.db-wal"] {
            let bytes = fs::read(self.folder.path().join(name)).unwrap_or_default();
            self.written.push((name.to_owned(), String::from_utf8_lossy(&bytes).into_owned()));
        }
        for (place, text) in &self.written {
            for (what, secret) in &self.secrets {
                assert!(secret.len() > 8, "{what} is too short to be looked for");
                assert!(!text.contains(secret), "{place} holds {what}");
            }
            // Secrets that this test does not know, such as the agent's device code, are found by their form.
            let hashes = ["plane.db", "status\", \"--json"].iter().any(|known| place.contains(known));
            assert!(hashes || !holds_key_material(text), "{place} holds 64 hexadecimal digits:\n{text}");
            assert!(place.contains("plane.db") || !text.contains('\u{1b}'), "{place} drives a terminal");
        }
        // Checks that something was written at all.
        for (place, expected) in [
            ("server.log", "/api/register-machine"),
            ("server.log", "/api/auth/device/token"),
            ("server.log", "status=401"),
            ("plane.db", "tskey-auth-"),
            ("standard error", "response received"),
            ("standard error", "INVALID_KEY"),
            ("standard error", "unexpected argument"),
        ] {
            let found = |(name, text): &(String, String)| name.contains(place) && text.contains(expected);
            assert!(self.written.iter().any(found), "{place} has no {expected}");
        }
    }
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn holds_key_material(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_hexdigit()).any(|run| run.len() >= 64)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_output_contains_a_secret() {
    let mut test = TestRun::open();
    let (org, admin) = (test.text("/org_id"), test.text("/admin/token"));
    let by_admin = [("QZ_API_KEY", admin.as_str())];

    // Creation: the only response that contains a key.
    let created = test.run(&["auth-key", "create", "--name", "k", "--reusable", "--org", &org], &by_admin, 0);
    let key = created.split_whitespace().find(|word| word.starts_with("tskey-auth-")).unwrap();
    let key = test.keep("an auth key", key.to_owned());
    let create = json!({ "action": "create_api_key", "org_id": org, "name": "k" }).to_string();
    let (_, answer) = test.post("/api/key-management", &admin, create).await;
    let api_key = test.keep("an API key", answer["data"]["key"].as_str().unwrap().to_owned());
    let by_key = [("QZ_API_KEY", api_key.as_str())];

    // Login, by the agent and over HTTP.
    let member = (test.text("/member/email"), test.text("/member/password"));
    test.stay(&["login"], &[], "enter the code: ", async |test, seen| {
        let code = seen.trim_end().rsplit(' ').next().unwrap();
        let (email, password) = &member;
        for password in ["not-the-password", password] {
            let form =
                json!({ "user_code": code, "email": email, "password": password, "decision": "approve" });
            test.post("/device", "", form.to_string()).await;
        }
    })
    .await;
    test.keep_state();
    let (_, code) = test.post("/api/auth/device/code", "", "client_id=x").await;
    let code = test.keep("a device code", code["device_code"].as_str().unwrap().to_owned());
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    for _ in 0..2 {
        let ask = json!({ "grant_type": grant, "device_code": code, "client_id": "x" });
        test.post("/api/auth/device/token", "", ask.to_string()).await;
    }
    let login = json!({ "email": member.0, "password": member.1 }).to_string();
    let (_, session) = test.post("/api/auth/login", "", login).await;
    test.keep("a session", session["data"]["access_token"].as_str().unwrap().to_owned());

    // Registration, and the commands of a registered machine.
    test.stay(
        &["up", "--userspace", "--hostname", "m"],
        &[("ZTNA_AUTH_KEY", &key)],
        "Press Ctrl+C",
        async |test, _| {
            test.keep_state();
            test.run_searched(&["status"], &[], 0);
            test.run_searched(&["status", "--json"], &[], 0);
            test.run_searched(&["set", "--tags", "tag:a"], &[], 0);
            test.run_searched(&["up", "--userspace"], &[("ZTNA_AUTH_KEY", &key)], 1);
            test.run_searched(&["down"], &[], 0);
        },
    )
    .await;
    for words in
        [&["auth-keys", "list"][..], &["auth-keys", "list", "--json"], &["auth-keys", "list", "--short"]]
    {
        test.run_searched(words, &by_key, 0);
    }
    test.run_searched(&["auth-keys", "list"], &[], 1);

    // Refusals and usage errors, with keys in the wrong places.
    let wrong = test.keep("a wrong auth key", format!("tskey-auth-{}", "5a".repeat(32)));
    let unknown = test.keep("a wrong API key", format!("qztna_{}", "6b".repeat(32)));
    let address = format!("http://u:{PASSWORD_IN_ADDRESS}@127.0.0.1:1");
    test.run_searched(&["logout"], &[], 0);
    test.run_searched(&["up", "--userspace"], &[("ZTNA_AUTH_KEY", &wrong)], 1);
    test.run_searched(&["up", "--userspace", "--auth-key", &wrong], &[], 1);
    test.run_searched(&["up", &wrong], &[], 2);
    test.run_searched(&["up", "--timeout", &wrong], &[], 2);
    test.run_searched(&["auth-keys", "list", "--org", &org], &[("QZ_API_KEY", &unknown)], 1);
    test.run_searched(&["auth-keys", "revoke", &wrong, "--org", &org], &by_admin, 1);
    test.run_searched(&["machine-admin", "delete", &wrong, "--org", &org], &by_admin, 1);
    test.run_searched(&["up", "--server", &address], &[("ZTNA_AUTH_KEY", &key)], 1);
    test.run_searched(&["--help"], &[("ZTNA_SERVER", &address)], 0);
    let gone = ["up", "--userspace", "--server", "http://127.0.0.1:1", "--timeout", "1ms"];
    test.run_searched(&gone, &[("ZTNA_AUTH_KEY", &key)], 1);
    for body in [
        format!("{{\"auth_key\": \"{key}\""),
        json!({ "auth_key": [key], "name": "m" }).to_string(),
        json!({ "auth_key": key, "name": "m", "public_key": key }).to_string(),
        json!({ "auth_key": key, "name": "m", "public_key": "AA==", "tags": [key] }).to_string(),
    ] {
        let (status, answer) = test.post("/api/register-machine", "", body).await;
        assert_eq!(status, 400);
        test.written.push(("a refusal".to_owned(), answer.to_string()));
    }
    let (status, answer) = test.post("/api/api-keys", &format!("{api_key}0"), "{}").await;
    assert_eq!(status, 401);
    test.written.push(("a refusal".to_owned(), answer.to_string()));
    test.run_searched(&["auth-keys", "revoke", &key, "--org", &org], &by_admin, 0);
    test.search();
}
