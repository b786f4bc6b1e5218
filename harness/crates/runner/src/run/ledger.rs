//! Records what a sub-test creates on a shared target, as learnt from the responses.

use std::collections::BTreeSet;

use reqwest::Url;
use serde_json::Value;

use crate::run::id::Id;
use harness_model::check::evidence::{Evidence, Exchange};
use harness_model::number;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum KeyKind {
    Auth,
    Api,
}

/// A key that was created and not revoked yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) kind: KeyKind,
    pub(super) org: String,
    pub(super) id: Id,
}

/// What was created and may still exist.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    prefix: String,
    keys: BTreeSet<Key>,
    machines: BTreeSet<String>,
}

/// A machine that may be left on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeftMachine {
    pub(super) name: String,
    /// Whether the name belongs to this run: other machines must not be removed.
    pub(super) is_own: bool,
}

impl KeyKind {
    /// Returns the action of `POST /api/key-management` that revokes such a key.
    pub(super) fn revocation(self) -> &'static str {
        match self {
            Self::Auth => "revoke_auth_key",
            Self::Api => "revoke_api_key",
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Auth => "auth key",
            Self::Api => "API key",
        }
    }
}

impl Ledger {
    /// Creates the ledger of a sub-test whose names begin with `prefix`, which is empty on a private target.
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), keys: BTreeSet::new(), machines: BTreeSet::new() }
    }

    /// Whether the sub-test has a target of its own, so that nothing needs to be removed.
    pub(super) fn is_private(&self) -> bool {
        self.prefix.is_empty()
    }

    /// Records what a step created or removed. Things whose response never arrived are found by name when the run ends.
    pub(super) fn record(&mut self, evidence: &Evidence) {
        match evidence {
            Evidence::Http(exchanges) => exchanges.iter().for_each(|exchange| self.record_exchange(exchange)),
            Evidence::Process(process) => self.record_command(&process.command),
            // What was made in the dashboard is found by its name when the run ends.
            Evidence::Page(_) | Evidence::Wire(_) | Evidence::Nothing => {}
        }
    }

    /// Records the name of a machine that may have registered.
    pub(super) fn record_machine(&mut self, name: &str) {
        self.machines.insert(name.to_owned());
    }

    pub(super) fn remove_key(&mut self, key: &Key) {
        self.keys.remove(key);
    }

    pub(super) fn remove_machine(&mut self, name: &str) {
        self.machines.remove(name);
    }

    pub(super) fn keys(&self) -> Vec<Key> {
        self.keys.iter().cloned().collect()
    }

    pub(super) fn machines(&self) -> Vec<LeftMachine> {
        let is_own = |name: &String| name.starts_with(&self.prefix);
        self.machines.iter().map(|name| LeftMachine { name: name.clone(), is_own: is_own(name) }).collect()
    }

    fn record_exchange(&mut self, exchange: &Exchange) {
        if exchange.method != "POST" || !(200..300).contains(&exchange.status) {
            return;
        }
        let sent = exchange.request_body.as_deref().and_then(|body| number::parse(body).ok());
        let (Ok(url), Some(sent)) = (Url::parse(&exchange.url), sent) else { return };
        let text = |name: &str| sent.get(name).and_then(Value::as_str).map(str::to_owned);
        let path = url.path();
        let org = text("org_id").unwrap_or_default();
        if path.ends_with("/api/register-machine") {
            self.machines.extend(text("name"));
        } else if path.ends_with("/api/db/api_keys") {
            self.record_key(KeyKind::Api, org, exchange);
        } else if path.ends_with("/api/key-management") || path.ends_with("/api/api-keys") {
            match text("action").as_deref() {
                Some("create_auth_key") => self.record_key(KeyKind::Auth, org, exchange),
                Some(action) if action.starts_with("create_") => self.record_key(KeyKind::Api, org, exchange),
                Some("revoke_auth_key" | "revoke_api_key") => {
                    let id = sent.get("key_id").and_then(Id::of);
                    // A scenario may send a number as a string.
                    let is_revoked =
                        |key: &Key| id.as_ref().is_some_and(|id| id.to_string() == key.id.to_string());
                    self.keys.retain(|key| !is_revoked(key));
                }
                _ => {}
            }
        }
    }

    fn record_key(&mut self, kind: KeyKind, org: String, exchange: &Exchange) {
        let Some(response) = exchange.json() else { return };
        let id = ["/data/id", "/id", "/data/0/id", "/0/id"].iter().find_map(|place| response.pointer(place));
        // A key whose id is unusable is found by its name when the run ends.
        if let Some(id) = id.and_then(Id::of) {
            self.keys.insert(Key { kind, org, id });
        }
    }

    fn record_command(&mut self, command: &str) {
        let words = shell_words::split(command).unwrap_or_default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.strip_prefix("--hostname=") {
                Some(name) => self.record_machine(name),
                None if word == "--hostname" => {
                    if let Some(name) = words.next() {
                        self.record_machine(name);
                    }
                }
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {

    use serde_json::json;

    use super::*;
    use harness_model::check::evidence::ProcessResult;

    fn exchange(path: &str, sent: &Value, status: u16, response: &Value) -> Evidence {
        Evidence::Http(vec![Exchange {
            method: "POST".to_owned(),
            url: format!("https://x.example/base{path}"),
            request_body: Some(sent.to_string()),
            status,
            body: response.to_string(),
            ..Exchange::default()
        }])
    }

    #[test]
    fn keys_are_recorded_until_they_are_revoked() {
        let mut ledger = Ledger::new("q1-");
        let create = |action: &str| json!({ "action": action, "org_id": "o", "name": "q1-x" });
        let id = |id: &str| json!({ "success": true, "data": { "id": id } });
        ledger.record(&exchange("/api/key-management", &create("create_auth_key"), 201, &id("a")));
        ledger.record(&exchange("/api/api-keys", &create("create_api_key"), 201, &id("b")));
        ledger.record(&exchange("/api/db/api_keys", &create(""), 201, &json!([{ "id": "c" }])));
        ledger.record(&exchange("/api/key-management", &create("create_auth_key"), 400, &id("refused")));
        let kinds: Vec<_> = ledger.keys().into_iter().map(|key| (key.kind, key.id.to_string())).collect();
        let known =
            [(KeyKind::Auth, "a"), (KeyKind::Api, "b"), (KeyKind::Api, "c")].map(|(k, i)| (k, i.to_owned()));
        assert_eq!(kinds, known);
        let revoke = json!({ "action": "revoke_auth_key", "org_id": "o", "key_id": "a" });
        ledger.record(&exchange("/api/key-management", &revoke, 404, &json!({})));
        assert_eq!(ledger.keys().len(), 3, "a refused revocation is not recorded");
        ledger.record(&exchange("/api/key-management", &revoke, 200, &json!({})));
        assert_eq!(ledger.keys().len(), 2);
    }

    #[test]
    fn keys_may_have_numbers_for_ids() {
        let mut ledger = Ledger::new("q1-");
        let create = json!({ "action": "create_auth_key", "org_id": "o", "name": "q1-x" });
        for id in [json!(41006), json!(41007), json!({ "value": 1 })] {
            ledger.record(&exchange("/api/key-management", &create, 201, &json!({ "data": { "id": id } })));
        }
        let ids = |ledger: &Ledger| ledger.keys().into_iter().map(|key| key.id.to_json()).collect::<Vec<_>>();
        assert_eq!(ids(&ledger), [json!(41006), json!(41007)]);
        for (id, left) in [(json!(41006), 1), (json!("41007"), 0)] {
            let revoke = json!({ "action": "revoke_auth_key", "org_id": "o", "key_id": id });
            ledger.record(&exchange("/api/key-management", &revoke, 200, &json!({})));
            assert_eq!(ledger.keys().len(), left, "{id}");
        }
    }

    #[test]
    fn machines_are_recorded_by_name() {
        let mut ledger = Ledger::new("q1-");
        let register = json!({ "auth_key": "k", "name": "q1-racer" });
        ledger.record(&exchange("/api/register-machine", &register, 201, &json!({})));
        for command in ["ztna up --hostname q1-Linux-C --userspace", "ztna up --hostname=strange"] {
            ledger.record(&Evidence::Process(ProcessResult {
                command: command.to_owned(),
                ..ProcessResult::default()
            }));
        }
        let known = [("q1-Linux-C", true), ("q1-racer", true), ("strange", false)];
        assert_eq!(
            ledger.machines(),
            known.map(|(name, is_own)| LeftMachine { name: name.to_owned(), is_own })
        );
    }
}
