//! A shared target: whatever way a run ends, its keys are revoked and its machines removed.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use harness_reference::embedded::AGENT_SUBCOMMAND;
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{harness, interrupt, wait_for};

/// The reference, served for several runs.
struct Shared {
    server: Child,
    folder: TempDir,
    ready: Value,
    runtime: tokio::runtime::Runtime,
}

impl Shared {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ready_file = folder.path().join("ready.json");
        let mut server = harness();
        server.arg("serve").arg("--ready-file").arg(&ready_file);
        let server = server.stdout(Stdio::null()).spawn().unwrap();
        let ready = wait_for("the server is ready", || {
            std::fs::read_to_string(&ready_file).ok().and_then(|text| serde_json::from_str(&text).ok())
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { server, folder, ready, runtime }
    }

    fn command(&self, name: &str, scenarios: Option<&Path>) -> Command {
        let profile = self.folder.path().join(format!("{name}.toml"));
        let person = |name: &str, field: &str| self.ready[name][field].as_str().unwrap().to_owned();
        let text = |field: &str| self.ready[field].as_str().unwrap().to_owned();
        let tokens: String = ["admin", "owner", "member", "outsider"]
            .into_iter()
            .map(|name| {
                let email = person(name, "email");
                format!(
                    "{name} = {{ login = {{ email = \"{email}\", password_env = \"{name}_password\" }} }}\n"
                )
            })
            .collect();
        let (base_url, org, other) = (text("base_url"), text("org_id"), text("other_org_id"));
        std::fs::write(
            &profile,
            format!(
                "name = \"shared\"\nbase_url = \"{base_url}\"\norg_id = \"{org}\"\nother_org_id = \"{other}\"\n\
                 [tokens]\n{tokens}[hooks]\napprove = \"/api/auth/device/approve\"\n\
                 [agent]\ncommand = \"{} {AGENT_SUBCOMMAND}\"\n",
                env!("CARGO_BIN_EXE_harness")
            ),
        )
        .unwrap();
        let mut command = harness();
        for name in ["admin", "owner", "member", "outsider"] {
            command.env(format!("{name}_password"), person(name, "password"));
        }
        command.arg("--target").arg(profile);
        if let Some(scenarios) = scenarios {
            command.arg("--scenarios").arg(scenarios);
        }
        command.arg("--report").arg(format!("json={}", self.results(name).display()));
        command
    }

    fn results(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.json"))
    }

    fn read(&self, name: &str) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.results(name)).unwrap()).unwrap()
    }

    /// The rows of a table whose names begin with `prefix`.
    fn rows(&self, table: &str, prefix: &str) -> Vec<Value> {
        let base_url = self.ready["base_url"].as_str().unwrap();
        let org = self.ready["org_id"].as_str().unwrap();
        let token = self.ready["admin"]["token"].as_str().unwrap();
        let answer: Value = self.runtime.block_on(async {
            let request = direct_client().get(format!("{base_url}/api/db/{table}?org_id={org}"));
            request.bearer_auth(token).send().await.unwrap().json().await.unwrap()
        });
        let rows = answer["data"].as_array().unwrap().iter();
        rows.filter(|row| row["name"].as_str().unwrap().starts_with(prefix)).cloned().collect()
    }

    /// Checks that the keys of the run are revoked and its machines removed.
    fn assert_clean(&self, case: &str, run_id: &str, machines_made: bool) {
        for table in ["auth_keys", "api_keys"] {
            let rows = self.rows(table, run_id);
            assert!(rows.iter().all(|row| row["revoked"] == true), "{case}: {table}: {rows:?}");
            assert!(!rows.is_empty() || !machines_made, "{case}: no {table} were made at all");
        }
        assert_eq!(self.rows("machines", run_id), Vec::<Value>::new(), "{case}");
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Connects to the server directly, whatever proxy the environment names.
fn direct_client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/shared")
}

#[test]
fn a_run_leaves_nothing_on_a_shared_target() {
    let shared = Shared::start();

    // A sub-test that fails and has no cleanup of its own.
    let output = shared.command("failed", Some(&fixtures())).args(["--filter", "keys/ST1"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    let results = shared.read("failed");
    assert_eq!(results["totals"]["checks"]["fail"], 1, "{told}");
    assert_eq!(results["subtests"][0]["leftovers"], Value::Array(Vec::new()), "{told}");
    let failed = results["run_id"].as_str().unwrap().to_owned();
    shared.assert_clean("failed", &failed, true);

    // One that is interrupted once its machines have registered.
    let mut child = shared.command("interrupted", Some(&fixtures()));
    let mut child = child.args(["--filter", "keys/ST2"]).stdout(Stdio::piped()).spawn().unwrap();
    wait_for("four machines", || (shared.rows("machines", "").len() >= 4).then_some(()));
    interrupt(child.id());
    let status = child.wait().unwrap();
    let mut told = String::new();
    child.stdout.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(status.code(), Some(130), "{told}");
    let results = shared.read("interrupted");
    let interrupted = results["run_id"].as_str().unwrap().to_owned();
    assert_ne!(interrupted, failed);
    assert!(results["leftovers"].is_null(), "{results}");
    shared.assert_clean("interrupted", &interrupted, true);

    // The kit's own sub-tests, whose cleanup only revokes keys.
    let mut command = shared.command("documented", None);
    let output = command.args(["--filter", "used-count/ST3, used-count/ST4, headless/ST4"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    let documented = shared.read("documented")["run_id"].as_str().unwrap().to_owned();
    shared.assert_clean("documented", &documented, false);
    assert!(!shared.rows("auth_keys", &documented).is_empty(), "nothing was made: {told}");
}

#[test]
fn key_beyond_the_first_page_of_a_list_is_revoked() {
    let shared = Shared::start();
    let text = |pointer: &str| shared.ready.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let (base_url, org, token) = (text("/base_url"), text("/org_id"), text("/admin/token"));
    let client = direct_client();
    shared.runtime.block_on(async {
        for number in 0..1000 {
            let name = format!("earlier-{number}");
            let body = serde_json::json!({ "action": "create_auth_key", "org_id": org, "name": name, "expiry_days": 1 });
            let request = client.post(format!("{base_url}/api/key-management")).bearer_auth(&token).json(&body);
            assert_eq!(request.send().await.unwrap().status(), 201);
        }
    });
    let output = shared.command("unseen", Some(&fixtures())).args(["--filter", "keys/ST3"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    let run_id = shared.read("unseen")["run_id"].as_str().unwrap().to_owned();
    let rows: Value = shared.runtime.block_on(async {
        let query = format!("org_id={org}&name=like.{run_id}*");
        let request = client.get(format!("{base_url}/api/db/auth_keys?{query}")).bearer_auth(&token);
        request.send().await.unwrap().json().await.unwrap()
    });
    let rows = rows["data"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["revoked"]), (1, &Value::Bool(true)), "{told}");
}

#[test]
fn interrupted_cleanup_lists_leftovers() {
    let shared = Shared::start();
    // Few requests a second, so that cleanup is still running at the second interrupt.
    let mut command = shared.command("twice", Some(&fixtures()));
    let profile = shared.folder.path().join("twice.toml");
    let text = std::fs::read_to_string(&profile).unwrap();
    std::fs::write(&profile, format!("{text}[limits]\nrequests_per_second = 6\n")).unwrap();
    let mut child = command.args(["--filter", "keys/ST2"]).stdout(Stdio::piped()).spawn().unwrap();
    let auth_keys = || {
        let mut rows = shared.rows("auth_keys", "");
        rows.retain(|row| !row["name"].as_str().unwrap().ends_with("preflight"));
        rows
    };
    // Their revocations take two seconds, which is enough to interrupt them.
    wait_for("all keys", || (shared.rows("api_keys", "").len() >= 12).then_some(()));
    interrupt(child.id());
    wait_for("the first revocation", || auth_keys().iter().any(|row| row["revoked"] == true).then_some(()));
    interrupt(child.id());
    let begun = Instant::now();
    let status = child.wait().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let mut told = String::new();
    child.stdout.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(status.code(), Some(130), "{told}");
    let results = shared.read("twice");
    let left = results["subtests"][0]["leftovers"].to_string();
    assert!(
        left.contains("cleanup was interrupted; left on the target: ") && left.contains("API key "),
        "{left}"
    );
    let run_id = results["run_id"].as_str().unwrap();
    assert!(
        results["leftovers"]
            .to_string()
            .contains(&format!("search the target for names that begin with {run_id}"))
    );
}

#[test]
fn subtests_are_isolated_in_any_order() {
    let shared = Shared::start();
    let mut command = shared.command("isolated", None);
    let output = command.args(["--filter", "used-count/ST4-http", "--prove-isolation"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}
