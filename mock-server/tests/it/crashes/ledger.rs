//! What the server has acknowledged, and questions to the restarted one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::client::Client;

/// A machine as its registration was answered.
#[derive(Debug, Clone)]
pub(super) struct Registered {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) address: String,
    pub(super) token: String,
}

/// A single-use key, and how often it was used by what its users were told.
#[derive(Debug, Clone, Default)]
pub(super) struct SingleUse {
    pub(super) key: String,
    pub(super) successes: Vec<Registered>,
    /// Whether a user was told that it is used up.
    pub(super) used_up: bool,
}

/// A device's login.
#[derive(Debug, Clone, Default)]
pub(super) struct Login {
    pub(super) device_code: String,
    pub(super) approved: bool,
    pub(super) token: Option<String>,
    pub(super) logged_out: bool,
}

/// A machine that was quarantined and perhaps deleted.
#[derive(Debug, Clone)]
pub(super) struct Quarantined {
    pub(super) machine: Registered,
    pub(super) deleted: bool,
}

/// Everything that was acknowledged, and the names whose registration was refused.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The id of the reusable key, and the key.
    pub(super) reusable: Option<(String, String)>,
    pub(super) machines: Vec<Registered>,
    /// By the id of the key.
    pub(super) single_use: BTreeMap<String, SingleUse>,
    pub(super) logins: Vec<Login>,
    /// The ids of revoked auth keys, with the key.
    pub(super) revoked: Vec<(String, String)>,
    /// The ids of revoked API keys, with the key and the id of an auth key that it had issued.
    pub(super) revoked_api_keys: Vec<(String, String, String)>,
    pub(super) quarantined: Vec<Quarantined>,
    /// What the server refused because it could not write (503).
    pub(super) refused: BTreeSet<String>,
    /// Machines that may be there or not: nobody was told.
    pub(super) untold: BTreeSet<String>,
    /// How many of each were asked of the restarted server already.
    asked: Asked,
}

#[derive(Debug, Default, Clone, Copy)]
struct Asked {
    machines: usize,
    logins: usize,
    revoked: usize,
    revoked_api_keys: usize,
    quarantined: usize,
}

impl Ledger {
    pub(super) fn add(&mut self, other: Self) {
        self.reusable = self.reusable.take().or(other.reusable);
        self.machines.extend(other.machines);
        self.single_use.extend(other.single_use);
        self.logins.extend(other.logins);
        self.revoked.extend(other.revoked);
        self.revoked_api_keys.extend(other.revoked_api_keys);
        self.quarantined.extend(other.quarantined);
        self.refused.extend(other.refused);
        self.untold.extend(other.untold);
    }

    pub(super) fn summary(&self) -> String {
        let granted = self.logins.iter().filter(|login| login.token.is_some()).count();
        format!(
            "{} registrations, {} single-use keys, {} logins, {} revocations of auth keys and {} of API keys, {} quarantines acknowledged",
            self.machines.len(),
            self.single_use.len(),
            granted,
            self.revoked.len(),
            self.revoked_api_keys.len(),
            self.quarantined.len()
        )
    }

    /// The machines that may be there.
    pub(super) fn possible(&self) -> BTreeSet<&str> {
        let single_use = self.single_use.values().flat_map(|key| &key.successes);
        let quarantined = self.quarantined.iter().map(|quarantined| &quarantined.machine);
        let told = self.machines.iter().chain(single_use).chain(quarantined);
        told.map(|machine| &machine.name).chain(&self.untold).map(String::as_str).collect()
    }

    /// Asks about everything that was acknowledged since it was last asked.
    pub(super) async fn ask_again(&mut self, client: &Client) {
        let asked = self.asked;
        for machine in self.machines.iter().skip(asked.machines).step_by(7) {
            assert_eq!(client.heartbeat(&machine.token).await, 200, "{machine:?}");
        }
        for (number, (id, key)) in self.single_use.iter_mut().enumerate() {
            if key.used_up {
                continue;
            }
            let (status, answer) = client.register(&key.key, &format!("late-{number}-{id}")).await.unwrap();
            match status {
                201 => key.successes.push(registered(&answer)),
                _ => assert_eq!((status, &answer["error"]["code"]), (401, &json!("KEY_USED")), "{key:?}"),
            }
            assert!(key.successes.len() <= 1, "spent twice: {key:?}");
            key.used_up = true;
        }
        for login in self.logins.iter_mut().skip(asked.logins) {
            if let Some(token) = &login.token {
                let expected = if login.logged_out { 401 } else { 200 };
                assert_eq!(client.user_orgs(token).await, expected, "{login:?}");
                assert_eq!(
                    client.poll(&login.device_code).await.unwrap().0,
                    400,
                    "redeemed twice: {login:?}"
                );
            } else if login.approved {
                let (status, answer) = client.poll(&login.device_code).await.unwrap();
                // The token may have been granted by the answer that did not arrive.
                match status {
                    200 => login.token = answer["access_token"].as_str().map(str::to_owned),
                    _ => assert_eq!(answer["error"], "invalid_grant", "{login:?}: an approval was lost"),
                }
            }
        }
        for (id, key) in self.revoked.iter().skip(asked.revoked) {
            let (status, answer) = client.register(key, &format!("revoked-{id}")).await.unwrap();
            assert_eq!((status, &answer["error"]["code"]), (401, &json!("INVALID_KEY")), "{id}");
        }
        for (id, key, _) in self.revoked_api_keys.iter().skip(asked.revoked_api_keys) {
            assert_eq!(client.user_orgs(key).await, 401, "{id}");
        }
        if let Some((_, key)) = &self.reusable {
            for quarantined in self.quarantined.iter().skip(asked.quarantined) {
                let (status, answer) = client.register(key, &quarantined.machine.name).await.unwrap();
                assert_eq!(
                    (status, &answer["error"]["code"]),
                    (403, &json!("QUARANTINED")),
                    "{quarantined:?}"
                );
            }
        }
        self.asked = Asked {
            machines: self.machines.len(),
            logins: self.logins.len(),
            revoked: self.revoked.len(),
            revoked_api_keys: self.revoked_api_keys.len(),
            quarantined: self.quarantined.len(),
        };
    }
}

pub(super) fn registered(answer: &Value) -> Registered {
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).expect("an answer").to_owned();
    Registered {
        id: text("/data/machine/id"),
        name: text("/data/machine/name"),
        address: text("/data/machine/tailnet_ip"),
        token: text("/data/machine_token"),
    }
}
