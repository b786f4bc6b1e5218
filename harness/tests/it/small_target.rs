//! A small target with three endpoints, and runs of the program against it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use wiremock::matchers::{body_partial_json, body_string_contains, method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::program::{harness, wait_for};
use crate::run::Run;

/// The admin's session, which must appear in no output.
pub(crate) const TOKEN: &str = "session-of-the-admin-0123456789";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

pub(crate) fn scenarios() -> PathBuf {
    fixtures().join("scenarios")
}

/// A scenario that never ends.
pub(crate) fn endless() -> PathBuf {
    fixtures().join("endless")
}

/// The documented response to a creation.
pub(crate) fn created_body() -> String {
    r#"{"success":true,"data":{"id":"9f0c1d8e-2f43-4c39-9a61-0a4f4b1c2d3e","key":"k-0123456789abcdef0123","name":"first","expiry_days":7}}"#
        .to_owned()
}

/// A target that conforms, except for the endpoints that are replaced.
pub(crate) struct SmallTarget {
    runtime: Runtime,
    server: MockServer,
    pids: TempDir,
}

impl SmallTarget {
    /// Endpoints that can be replaced: `create`, `refuse`, `list`.
    pub(crate) fn start(replaced: &[(&str, ResponseTemplate)]) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = runtime.block_on(MockServer::start());
        let json = |status, body: &str| ResponseTemplate::new(status).set_body_raw(body, "application/json");
        let answer = |endpoint: &str, right: ResponseTemplate| {
            replaced.iter().find(|(name, _)| *name == endpoint).map_or(right, |(_, wrong)| wrong.clone())
        };
        let refusal = r#"{"success":false,"error":{"code":"MISSING_FIELDS","message":"name required"}}"#;
        let row = r#"{"success":true,"data":[{"used_count":0}]}"#;
        runtime.block_on(async {
            let create =
                Mock::given(method("POST")).and(path("/api/keys")).and(body_string_contains("first"));
            create
                .respond_with(answer("create", json(201, &created_body())))
                .with_priority(1)
                .mount(&server)
                .await;
            let refuse = Mock::given(method("POST")).and(path("/api/keys"));
            refuse.respond_with(answer("refuse", json(400, refusal))).mount(&server).await;
            let list = Mock::given(method("GET")).and(path("/api/db/keys"));
            list.respond_with(answer("list", json(200, row))).mount(&server).await;
            let delete = Mock::given(method("DELETE")).and(path_regex("^/api/keys/"));
            delete.respond_with(ResponseTemplate::new(204)).mount(&server).await;
            let approve = Mock::given(method("POST")).and(path("/approve"));
            let approve = approve.and(body_partial_json(serde_json::json!({ "user_code": "WXYZ-1234" })));
            approve.respond_with(json(200, "{}")).mount(&server).await;
        });
        Self { runtime, server, pids: tempfile::tempdir().unwrap() }
    }

    /// The folder in which its agent leaves process ids.
    pub(crate) fn pids(&self) -> &Path {
        self.pids.path()
    }

    /// The number of requests with this method and path.
    pub(crate) fn asked(&self, method: &str, path: &str) -> usize {
        let requests = self.runtime.block_on(self.server.received_requests()).unwrap();
        requests
            .iter()
            .filter(|request| request.method.as_str() == method && request.url.path() == path)
            .count()
    }

    pub(crate) fn judge(&self, arguments: &[&str]) -> Run {
        let folder = tempfile::tempdir().unwrap();
        Run::of(self.command(&scenarios(), folder.path()).args(arguments), folder.path())
    }

    pub(crate) fn command(&self, scenarios: &Path, folder: &Path) -> Command {
        command(&self.server.uri(), scenarios, folder, self.pids.path())
    }
}

/// Runs the program against any base URL.
pub(crate) fn judge_at(base_url: &str, arguments: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    Run::of(command(base_url, &scenarios(), folder.path(), folder.path()).args(arguments), folder.path())
}

fn command(base_url: &str, scenarios: &Path, folder: &Path, pids: &Path) -> Command {
    let profile = folder.join("target.toml");
    let agent = fixtures().join("agent.sh");
    let text = format!(
        "name = \"small\"\nbase_url = \"{base_url}\"\norg_id = \"org_1\"\n\
         [tokens]\nadmin = {{ env = \"SMALL_TOKEN\" }}\n\
         [agent]\ncommand = \"sh {}\"\nenv = {{ AGENT_PIDS = \"{}\" }}\n\
         [hooks]\napprove = \"/approve\"\n",
        agent.display(),
        pids.display()
    );
    std::fs::write(&profile, text).unwrap();
    let mut command = harness();
    command.env("SMALL_TOKEN", TOKEN).env("KIT_SECRET", "not for agents");
    command.arg("--scenarios").arg(scenarios).arg("--target").arg(profile);
    for (format, file) in [("json", "results.json"), ("junit", "junit.xml")] {
        command.arg("--report").arg(format!("{format}={}", folder.join(file).display()));
    }
    command
}

/// Starts a server that answers the list of auth keys and cuts all other responses off.
pub(crate) fn cutting_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 2048];
            let length = stream.read(&mut request).unwrap_or_default();
            let answer: &[u8] = if request[..length].starts_with(b"GET /api/db/auth_keys ") {
                b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            } else {
                b"HTTP/1.1 201 Created\r\ncontent-length: 1000\r\n\r\n{\"success\":"
            };
            let _ = stream.write_all(answer);
        }
    });
    base_url
}

/// Waits for a process id in this file.
pub(crate) fn pid_in(file: &Path) -> u32 {
    wait_for(&format!("a process id in {}", file.display()), || {
        std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok())
    })
}
