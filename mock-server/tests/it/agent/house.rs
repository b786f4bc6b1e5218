//! The reference's own control plane with machines around it.

use mock_server::app::{self, Config, Fixture, Ready, Server};
use serde_json::Value;

use crate::agent::machine::{Ended, Machine};

/// A control plane, and machines that speak to it.
pub(crate) struct House {
    server: Server,
    pub(crate) ready: Ready,
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::open_with(Config::embedded(Fixture::built_in().unwrap())).await
    }

    pub(crate) async fn open_with(config: Config) -> Self {
        Self::of(app::start(config).await.unwrap())
    }

    pub(crate) fn of(server: Server) -> Self {
        let ready = server.ready().clone();
        Self { server, ready }
    }

    /// The control plane goes, the machines stay.
    pub(crate) async fn close(self) {
        self.server.stop().await;
    }

    pub(crate) async fn machine(&self) -> Machine {
        let mut machine = Machine::fresh().await;
        machine.server.clone_from(&self.ready.base_url);
        machine
    }

    /// An admin's command, with a log that tells everything but the token. A session is as good a bearer as an
    /// API key.
    pub(crate) fn admin(&self, machine: &Machine, words: &[&str]) -> Ended {
        let token = &self.ready.admin.as_ref().unwrap().token;
        let mut command = machine.ztna(words);
        command.args(["--org", &self.ready.org_id, "--log", "trace"]).env("QZ_API_KEY", token);
        let ended = Ended::of(command.output().unwrap(), machine);
        assert!(ended.stderr.contains("answered") && !ended.stderr.contains(token), "{}", ended.stderr);
        ended
    }

    pub(crate) fn create_key(&self, machine: &Machine, words: &[&str]) -> String {
        let created = self.admin(machine, &[&["auth-keys", "create"], words].concat());
        let first = created.stdout.lines().next().unwrap_or_default();
        first.strip_prefix("✓ Auth key created: ").unwrap_or_else(|| panic!("{created:?}")).to_owned()
    }

    /// Uses by key name.
    pub(crate) fn uses(&self, machine: &Machine, name: &str) -> Value {
        let list: Value =
            serde_json::from_str(&self.admin(machine, &["auth-keys", "list", "--json"]).stdout).unwrap();
        list.as_array().unwrap().iter().find(|key| key["name"] == name).unwrap()["used_count"].clone()
    }
}
