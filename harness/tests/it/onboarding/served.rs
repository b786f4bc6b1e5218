//! The reference as a process, and runs against it with any profile.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{harness, wait_for};
use crate::run::Run;
use crate::selected::write_selected;

pub(crate) struct Served {
    server: Child,
    folder: TempDir,
    ready: Value,
    runtime: tokio::runtime::Runtime,
}

impl Served {
    pub(crate) fn start() -> Self {
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

    pub(crate) fn base_url(&self) -> String {
        self.ready["base_url"].as_str().unwrap().to_owned()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn token(&self, person: &str) -> String {
        self.ready[person]["token"].as_str().unwrap().to_owned()
    }

    /// Logs in once more.
    pub(crate) fn new_token(&self, person: &str) -> String {
        let known = &self.ready[person];
        let body = json!({ "email": known["email"], "password": known["password"] });
        let response =
            self.send(|client, base_url| client.post(format!("{base_url}/api/auth/login")).json(&body));
        response["data"]["access_token"].as_str().unwrap().to_owned()
    }

    /// The right profile, with inline tokens.
    pub(crate) fn profile(&self) -> String {
        let tokens: String = ["admin", "owner", "member"]
            .into_iter()
            .map(|person| format!("{person} = \"{}\"\n", self.token(person)))
            .collect();
        format!(
            "name = \"served\"\nbase_url = \"{}\"\norg_id = \"org_9fX2kR\"\n[tokens]\n{tokens}",
            self.base_url()
        )
    }

    /// Writes the sub-tests of a filter, in a place that [`Served::run`] and [`Served::doctor`] then read.
    pub(crate) fn read_only(&self, filter: &str) {
        write_selected(filter, &self.selected());
    }

    fn selected(&self) -> PathBuf {
        self.folder.path().join("selected")
    }

    /// The program, with the sub-tests that were written, or with all.
    fn program(&self) -> Command {
        let mut command = harness();
        let selected = self.selected();
        if selected.exists() {
            command.arg("--scenarios").arg(selected);
        }
        command
    }

    pub(crate) fn run(&self, profile: &str, words: &[&str]) -> Run {
        let results = self.folder.path().join("results.json");
        let mut command = self.program();
        command.arg("--target").arg(self.write(profile)).args(words);
        command.arg("--report").arg(format!("json={}", results.display()));
        Run::of(&mut command, self.folder.path())
    }

    pub(crate) fn doctor(&self, profile: &str) -> Run {
        let mut command = self.program();
        command.arg("doctor").arg("--target").arg(self.write(profile));
        Run::of(&mut command, self.folder.path())
    }

    pub(crate) fn assert_all_keys_revoked(&self) {
        let (org, token) = (&self.ready["org_id"], self.token("admin"));
        let response = self.send(|client, base_url| {
            let url = format!("{base_url}/api/db/auth_keys?org_id={}", org.as_str().unwrap());
            client.get(url).bearer_auth(token)
        });
        let rows = response["data"].as_array().unwrap();
        assert!(!rows.is_empty() && rows.iter().all(|row| row["revoked"] == true), "{rows:?}");
    }

    fn write(&self, profile: &str) -> PathBuf {
        let path = self.folder.path().join("target.toml");
        std::fs::write(&path, profile).unwrap();
        path
    }

    fn send(&self, request: impl FnOnce(reqwest::Client, String) -> reqwest::RequestBuilder) -> Value {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let request = request(client, self.base_url());
        self.runtime.block_on(async { request.send().await.unwrap().json().await.unwrap() })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
