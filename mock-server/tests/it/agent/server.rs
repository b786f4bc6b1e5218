//! Machines that use a test server, and its admin's commands.

use serde_json::Value;

use crate::agent::machine::{Ended, Machine};
use crate::test_server::TestServer;

impl TestServer {
    pub(crate) async fn machine(&self) -> Machine {
        let mut machine = Machine::fresh().await;
        self.base_url().clone_into(&mut machine.server);
        machine
    }

    /// Runs a command as the admin and checks that its trace log does not contain the token. A session token is
    /// accepted where an API key is.
    pub(crate) fn admin(&self, machine: &Machine, words: &[&str]) -> Ended {
        let token = &self.ready().admin.as_ref().unwrap().token;
        let mut command = machine.ztna(words);
        command.args(["--org", &self.ready().org_id, "--log", "trace"]).env("QZ_API_KEY", token);
        let ended = Ended::of(command.output().unwrap(), machine);
        assert!(
            ended.stderr.contains("response received") && !ended.stderr.contains(token),
            "{}",
            ended.stderr
        );
        ended
    }

    pub(crate) fn create_key(&self, machine: &Machine, words: &[&str]) -> String {
        let created = self.admin(machine, &[&["auth-keys", "create"], words].concat());
        let first = created.stdout.lines().next().unwrap_or_default();
        first.strip_prefix("✓ Auth key created: ").unwrap_or_else(|| panic!("{created:?}")).to_owned()
    }

    /// The use count of the auth key of that name.
    pub(crate) fn uses(&self, machine: &Machine, name: &str) -> Value {
        let list: Value =
            serde_json::from_str(&self.admin(machine, &["auth-keys", "list", "--json"]).stdout).unwrap();
        list.as_array().unwrap().iter().find(|key| key["name"] == name).unwrap()["used_count"].clone()
    }
}
