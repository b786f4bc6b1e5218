//! The reference behind a layer, as a vendor's implementation: with a profile, an agent and a clock.

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use mock_server::app::{self, Config, Fixture, Server};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::deviation::Deviation;
use crate::layer;

/// Built into the reference.
pub(crate) const ADMIN: &str = "admin@acme.example";
/// Built into the reference.
pub(crate) const MEMBER: &str = "member@acme.example";
/// Built into the reference.
pub(crate) const OUTSIDER: &str = "admin@globex.example";

/// A wrong implementation.
pub(crate) struct Implementation {
    server: Server,
    base_url: String,
    _runtime: Runtime,
}

/// What the kit says about it.
pub(crate) struct Run {
    pub(crate) code: i32,
    results: Value,
    stdout: String,
    stderr: String,
}

impl Implementation {
    /// Starts it.
    pub(crate) fn with(deviation: Deviation) -> Self {
        static FIXTURE: OnceLock<Fixture> = OnceLock::new();
        let fixture = FIXTURE.get_or_init(|| Fixture::built_in().unwrap()).clone();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let (server, base_url) = runtime.block_on(async {
            let mut config = Config { test_control: true, ..Config::embedded(fixture) };
            if deviation.trusts_everybody {
                config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
            }
            config.device_poll_interval = Some(std::time::Duration::ZERO);
            let server = app::start(config).await.unwrap();
            let base_url = layer::start(server.base_url(), deviation).await;
            (server, base_url)
        });
        Self { server, base_url, _runtime: runtime }
    }

    /// Judges it by some sub-tests.
    pub(crate) fn judge(&self, filter: &str) -> Run {
        let folder = tempfile::tempdir().unwrap();
        let (profile, results) = (folder.path().join("target.toml"), folder.path().join("results.json"));
        std::fs::write(&profile, self.profile()).unwrap();
        let ready = self.server.ready();
        let people = [("ADMIN", &ready.admin), ("OWNER", &ready.owner), ("MEMBER", &ready.member)];
        let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
        for (name, person) in people.into_iter().chain([("OUTSIDER", &ready.outsider)]) {
            command.env(name, &person.as_ref().unwrap().password);
        }
        command.env("CI", "true").env_remove("GITHUB_ACTIONS").arg("--target").arg(&profile);
        command.arg("--filter").arg(filter).arg("--report").arg(format!("json={}", results.display()));
        let output = command.output().unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            results: read(&results),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn profile(&self) -> String {
        let ready = self.server.ready();
        let mut profile = format!(
            "name = \"deviant\"\nbase_url = {:?}\norg_id = {:?}\nother_org_id = {:?}\nreference = true\n\
             capabilities = [\"agent\", \"clock\", \"heartbeat\", \"organisations\", \"addresses\", \"wire\"]\n\
             [agent]\ncommand = \"{} __ztna\"\n\
             [hooks]\nclock = \"{}/clock\"\napprove = \"/api/auth/device/approve\"\n[tokens]\n",
            self.base_url,
            ready.org_id,
            ready.other_org_id.as_deref().unwrap(),
            env!("CARGO_BIN_EXE_harness"),
            ready.control_url.as_deref().unwrap(),
        );
        let people = [("admin", &ready.admin), ("owner", &ready.owner), ("member", &ready.member)];
        for (name, person) in people.into_iter().chain([("outsider", &ready.outsider)]) {
            let email = &person.as_ref().unwrap().email;
            let variable = name.to_uppercase();
            profile.push_str(&format!(
                "{name} = {{ login = {{ email = {email:?}, password_env = {variable:?} }} }}\n"
            ));
        }
        profile
    }
}

impl Run {
    /// A statement's verdict.
    pub(crate) fn statement(&self, id: &str) -> &str {
        let mut requirements = self.results["requirements"].as_array().into_iter().flatten();
        let found = requirements.find(|requirement| requirement["id"] == id);
        found.and_then(|found| found["verdict"].as_str()).unwrap_or("not mentioned")
    }
}

impl fmt::Display for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "exit {}\n{}\n{}", self.code, self.stdout, self.stderr)
    }
}

fn read(results: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(results).unwrap_or_default()).unwrap_or_default()
}
