//! Small targets and the program that judges them.

pub(crate) mod program;

use std::fmt;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use wiremock::matchers::{body_partial_json, body_string_contains, method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use program::{awaited, harness};

/// The admin's session; it must never be seen again.
pub(crate) const TOKEN: &str = "session-of-the-admin-0123456789";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Scenarios for the small target.
pub(crate) fn scenarios() -> PathBuf {
    fixtures().join("scenarios")
}

/// A scenario that does not end.
pub(crate) fn endless() -> PathBuf {
    fixtures().join("endless")
}

/// What the small target answers to a creation when it does as documented.
pub(crate) fn created_body() -> String {
    r#"{"success":true,"data":{"id":"9f0c1d8e-2f43-4c39-9a61-0a4f4b1c2d3e","key":"k-0123456789abcdef0123","name":"first","expiry_days":7}}"#
        .to_owned()
}

/// A small target that does as documented, some endpoints replaced.
pub(crate) struct Target {
    runtime: Runtime,
    server: MockServer,
    pids: TempDir,
}

impl Target {
    /// Starts it. Endpoints: `create`, `refuse`, `list`.
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

    /// Where its agent leaves process ids.
    pub(crate) fn pids(&self) -> &Path {
        self.pids.path()
    }

    /// How often it was asked for that.
    pub(crate) fn asked(&self, method: &str, path: &str) -> usize {
        let requests = self.runtime.block_on(self.server.received_requests()).unwrap();
        requests
            .iter()
            .filter(|request| request.method.as_str() == method && request.url.path() == path)
            .count()
    }

    /// Runs the program against it.
    pub(crate) fn judge(&self, arguments: &[&str]) -> Run {
        let folder = tempfile::tempdir().unwrap();
        Run::of(self.command(&scenarios(), folder.path()).args(arguments), folder.path())
    }

    /// The program, about to judge it.
    pub(crate) fn command(&self, scenarios: &Path, folder: &Path) -> Command {
        command(&self.server.uri(), scenarios, folder, self.pids.path())
    }
}

/// Runs the program against whatever answers there.
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

/// Answers a greeting and hangs up on everything else.
pub(crate) fn cutting_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 2048];
            let length = stream.read(&mut request).unwrap_or_default();
            let answer: &[u8] = if request[..length].starts_with(b"GET /healthz") {
                b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            } else {
                b"HTTP/1.1 201 Created\r\ncontent-length: 1000\r\n\r\n{\"success\":"
            };
            let _ = stream.write_all(answer);
        }
    });
    base_url
}

/// The process id that somebody writes into this file, awaited.
pub(crate) fn pid_in(file: &Path) -> u32 {
    awaited(&format!("a process id in {}", file.display()), || {
        std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok())
    })
}

/// What a run of the program left.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) results: Value,
    pub(crate) junit: String,
}

impl Run {
    /// Runs the program to its end.
    pub(crate) fn of(command: &mut Command, folder: &Path) -> Self {
        let output = command.output().unwrap();
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap_or_default();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            results: serde_json::from_str(&read("results.json")).unwrap_or_default(),
            junit: read("junit.xml"),
        }
    }

    /// Of a program that was started before.
    pub(crate) fn read(folder: &Path, code: Option<i32>, child: &mut Child) -> Self {
        let mut stdout = String::new();
        child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap_or_default();
        Self {
            code: code.unwrap_or(-1),
            stdout,
            stderr: String::new(),
            results: serde_json::from_str(&read("results.json")).unwrap_or_default(),
            junit: read("junit.xml"),
        }
    }

    fn of_subtest(&self, id: &str, field: &str) -> &str {
        let subtests = self.results["subtests"].as_array().unwrap_or_else(|| panic!("no results: {self}"));
        let subtest =
            subtests.iter().find(|subtest| subtest["id"] == id).unwrap_or_else(|| panic!("no {id}"));
        subtest[field].as_str().unwrap_or_default()
    }

    /// A sub-test's verdict.
    pub(crate) fn verdict(&self, id: &str) -> &str {
        self.of_subtest(id, "verdict")
    }

    /// A sub-test's reason.
    pub(crate) fn reason(&self, id: &str) -> &str {
        self.of_subtest(id, "reason")
    }

    /// A statement's verdict.
    pub(crate) fn statement(&self, id: &str) -> &str {
        let requirements = self.results["requirements"].as_array().unwrap();
        requirements.iter().find(|of| of["id"] == id).unwrap()["verdict"].as_str().unwrap()
    }
}

impl fmt::Display for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "exit {}\n{}\n{}", self.code, self.stdout, self.stderr)
    }
}
