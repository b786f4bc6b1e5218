//! Removes what a sub-test created on a shared target and did not remove itself, using only documented requests.

use std::sync::{Mutex, PoisonError};

use reqwest::Method;
use serde_json::{Value, json};

use crate::exchange::Caller;
use crate::run::id::Id;
use crate::run::ledger::{Key, KeyKind, Ledger, LeftMachine};
use crate::run::name::is_of;
use crate::run::pages::Pages;
use crate::step::Stage;
use crate::targets::{TargetError, TestEnvironment};
use harness_model::check::evidence::Exchange;
use harness_model::check::pointer::resolve;
use harness_model::event::TargetDescription;
use harness_model::scenario::model::Identity;
use harness_model::scenario::undocumented::Undocumented;

const KEY_MANAGEMENT: &str = "/api/key-management";
const MACHINE_ADMIN: &str = "/api/machine-admin";

/// Why something could not be removed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CleanupError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("{request} returned {status}{}", code.as_deref().map(|code| format!(" {code}")).unwrap_or_default())]
    Refused { request: String, status: u16, code: Option<String> },
    #[error("the response of GET {path} has no rows")]
    NoRows { path: String },
    #[error("its row has no id that is a string or a number\nset pointers.machine.id")]
    NoMachineId,
    #[error("its row has no id that is a string or a number")]
    NoKeyId,
    #[error("its name does not belong to this run; delete it manually: {id}")]
    Foreign { id: Id },
}

/// Removes everything in the ledger, and returns a line for each thing that could not be removed. Entries are deleted one
/// by one, so that the ledger shows what is left if cleanup is interrupted. Machines that the target has no way to remove
/// are reported once, at the end of the run.
pub(super) async fn revoke(
    stage: &mut Stage,
    ledger: &Mutex<Ledger>,
    target: &TargetDescription,
) -> Vec<String> {
    if with_ledger(ledger, |ledger| ledger.is_private()) {
        return Vec::new();
    }
    let removes_machines = missing_for_machines(target).is_none();
    let names = stage.machines.values().map(|machine| machine.host_name.clone());
    let names: Vec<String> =
        names.chain(stage.peers.values().map(|peer| peer.host_name().to_owned())).collect();
    with_ledger(ledger, |ledger| names.iter().for_each(|name| ledger.record_machine(name)));
    let keys = with_ledger(ledger, |ledger| ledger.keys());
    let mut machines = with_ledger(ledger, |ledger| ledger.machines());
    machines.retain(|_| removes_machines);
    if keys.is_empty() && machines.is_empty() {
        return Vec::new();
    }
    let caller = match stage.clients.from_address(None) {
        Ok(caller) => caller,
        Err(error) => return vec![format!("{error}; left on the target: {}", left(ledger).join(", "))],
    };
    let remover = Remover { environment: &stage.environment, caller: &caller };
    let mut problems = Vec::new();
    for key in keys {
        match remover.revoke(&key).await {
            Ok(()) => with_ledger(ledger, |ledger| ledger.remove_key(&key)),
            Err(problem) => problems.push(format!("{} {}: {problem}", key.kind.label(), key.id)),
        }
    }
    if !machines.is_empty() {
        settle(&stage.environment).await;
    }
    for machine in machines {
        match remover.delete_named(&machine).await {
            Ok(()) => with_ledger(ledger, |ledger| ledger.remove_machine(&machine.name)),
            Err(problem) => problems.push(format!("machine {}: {problem}", machine.name)),
        }
    }
    problems
}

/// Waits until lists show everything that was done so far.
pub(super) async fn settle(environment: &TestEnvironment) {
    if let Some(limit) = environment.settle() {
        let pace = &environment.client_settings().pace;
        pace.uncounted(tokio::time::sleep(limit)).await;
    }
}

/// Returns what the target lacks for finding and deleting machines.
pub(super) fn missing_for_machines(target: &TargetDescription) -> Option<Undocumented> {
    let needed = [Undocumented::Machines, Undocumented::MachineAdmin];
    needed.into_iter().find(|needed| target.absent.contains(needed))
}

/// Describes what is left according to the ledger.
pub(super) fn left(ledger: &Mutex<Ledger>) -> Vec<String> {
    with_ledger(ledger, |ledger| {
        if ledger.is_private() {
            return Vec::new();
        }
        let keys = ledger.keys().into_iter().map(|key| format!("{} {}", key.kind.label(), key.id));
        let machines = ledger
            .machines()
            .into_iter()
            .map(|machine| format!("machine {}, if it registered", machine.name));
        keys.chain(machines).collect()
    })
}

/// Sends the requests that remove keys and machines, as an identity that may do so.
pub(super) struct Remover<'a> {
    pub(super) environment: &'a TestEnvironment,
    pub(super) caller: &'a Caller,
}

impl Remover<'_> {
    /// Revokes a key. A key that no longer exists is no error.
    pub(super) async fn revoke(&self, key: &Key) -> Result<(), CleanupError> {
        let action = key.kind.revocation();
        let body = json!({ "action": action, "org_id": key.org, "key_id": key.id.to_json() });
        self.request(self.admin_of(&key.org), Method::POST, KEY_MANAGEMENT, Some(&body)).await.map(drop)
    }

    /// Deletes a machine. A machine that no longer exists is no error.
    pub(super) async fn delete(&self, org: &str, id: &Id) -> Result<(), CleanupError> {
        let body = json!({ "action": "delete", "org_id": org, "machine_id": id.to_json() });
        self.request(self.admin_of(org), Method::POST, MACHINE_ADMIN, Some(&body)).await.map(drop)
    }

    /// Returns the rows of a table in an organisation.
    pub(super) async fn rows(
        &self,
        org: &str,
        table: &str,
        filter: &str,
    ) -> Result<Vec<Value>, CleanupError> {
        let path = format!("/api/db/{table}?org_id={}{filter}", encoded(org));
        let response = self.request(self.admin_of(org), Method::GET, &path, None).await?;
        // A target without that table has no rows.
        if matches!(response.status, 404 | 410) {
            return Ok(Vec::new());
        }
        let rows = response.json().and_then(|response| resolve(response, "rows")).and_then(Value::as_array);
        rows.cloned().ok_or(CleanupError::NoRows { path })
    }

    /// Returns all rows of a table in an organisation, as far as the target returns them.
    pub(super) async fn all_rows(&self, org: &str, table: &str) -> Result<Pages, CleanupError> {
        let mut pages = Pages::default();
        pages.add(self.rows(org, table, "").await?);
        while let Some(filter) = pages.next_filter() {
            match self.rows(org, table, &filter).await {
                Ok(page) => pages.add(page),
                // A target may know no such query. What could not be seen is reported as possibly left.
                Err(CleanupError::Refused { .. } | CleanupError::NoRows { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(pages)
    }

    /// Returns the organisations that sub-tests use.
    pub(super) fn organisations(&self) -> Vec<String> {
        let other = self.environment.other_org().filter(|_| self.environment.knows(Identity::Outsider));
        let limited = self.environment.quota().map(|quota| quota.org.as_str());
        let mut all = vec![self.environment.org().to_owned()];
        for org in other.into_iter().chain(limited) {
            if !all.iter().any(|known| known == org) {
                all.push(org.to_owned());
            }
        }
        all
    }

    async fn delete_named(&self, machine: &LeftMachine) -> Result<(), CleanupError> {
        for org in self.organisations() {
            let filter = format!("&name=eq.{}", encoded(&machine.name));
            let rows = self.rows(&org, "machines", &filter).await?;
            // A target that ignores the filter returns other machines, too.
            for row in rows.iter().filter(|row| row.get("name") == Some(&json!(machine.name))) {
                let id = Id::in_row(row).ok_or(CleanupError::NoMachineId)?;
                if !machine.is_own {
                    return Err(CleanupError::Foreign { id });
                }
                self.delete(&org, &id).await?;
            }
        }
        Ok(())
    }

    fn admin_of(&self, org: &str) -> Identity {
        let is_limited = self.environment.quota().is_some_and(|quota| quota.org == org);
        let is_other =
            self.environment.other_org() == Some(org) && self.environment.knows(Identity::Outsider);
        match (org == self.environment.org(), is_other, is_limited) {
            (false, true, _) => Identity::Outsider,
            (false, false, true) => Identity::Limited,
            _ => Identity::Admin,
        }
    }

    async fn request(
        &self,
        identity: Identity,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Exchange, CleanupError> {
        let asked = format!("{method} {path}");
        let exchange = self.environment.ask(self.caller, identity, method, path, body).await?;
        match exchange.status {
            200..300 | 404 | 410 => Ok(exchange),
            status => {
                let code = exchange.refusal_code().map(str::to_owned);
                Err(CleanupError::Refused { request: asked, status, code })
            }
        }
    }
}

/// Returns the name and, where it has a usable id, the key of a row if the key belongs to the run and is not revoked.
pub(super) fn live_key(row: &Value, kind: KeyKind, org: &str, run: &str) -> Option<(String, Option<Key>)> {
    let name = row.get("name").and_then(Value::as_str).filter(|name| is_of(name, run))?;
    let is_revoked = row.get("revoked") == Some(&Value::Bool(true));
    let key = Id::in_row(row).map(|id| Key { kind, org: org.to_owned(), id });
    (!is_revoked).then(|| (name.to_owned(), key))
}

fn with_ledger<T>(ledger: &Mutex<Ledger>, look: impl FnOnce(&mut Ledger) -> T) -> T {
    look(&mut ledger.lock().unwrap_or_else(PoisonError::into_inner))
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_run_are_live_whatever_their_id_is() {
        let key = |id: Value| Key { kind: KeyKind::Auth, org: "o".to_owned(), id: Id::of(&id).unwrap() };
        for (row, expected) in [
            (json!({ "id": "a", "name": "q1xxab-k" }), Some(Some(key(json!("a"))))),
            (json!({ "id": 41006, "name": "q1xxab-k", "revoked": false }), Some(Some(key(json!(41006))))),
            (json!({ "id": { "value": 1 }, "name": "q1xxab-k" }), Some(None)),
            (json!({ "name": "q1xxab-k" }), Some(None)),
            (json!({ "id": 41006, "name": "q1xxab-k", "revoked": true }), None),
            (json!({ "id": 41006, "name": "another" }), None),
        ] {
            let found = live_key(&row, KeyKind::Auth, "o", "q1xx");
            assert_eq!(found, expected.map(|key| ("q1xxab-k".to_owned(), key)), "{row}");
        }
    }
}
