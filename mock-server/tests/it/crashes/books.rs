//! The database of a killed server, compared with what was acknowledged and with itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use mock_server::domain::key::material::sha256;
use mock_server::store::{Location, Row, Store, StoreError};
use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::ledger::{Ledger, Registered};

struct MachineRow {
    name: String,
    address: String,
    token_hash: Option<String>,
}

/// What a lost or a repeated write would leave behind; [`check`] notices each of them.
pub(super) const DAMAGES: [&str; 12] = [
    "DELETE FROM machines WHERE id = (SELECT max(id) FROM machines WHERE status <> 'quarantined')",
    "UPDATE machines SET token_hash = NULL WHERE status = 'online'",
    "UPDATE auth_keys SET used_count = used_count + 1 WHERE reusable = 1 AND used_count > 1",
    "UPDATE auth_keys SET used_count = 0 WHERE reusable = 0 AND used_count = 1",
    "UPDATE auth_keys SET used_count = 2 WHERE reusable = 0 AND used_count = 1",
    "UPDATE auth_keys SET revoked = 0",
    "UPDATE api_keys SET revoked = 0",
    "UPDATE device_codes SET status = 'approved'",
    "DELETE FROM ended_sessions",
    "DELETE FROM quarantines",
    "UPDATE machines SET status = 'offline' WHERE status = 'quarantined'",
    "UPDATE address_pools SET machines = machines + 1",
];

/// Copies the database of a server that does not run, and damages the copy.
///
/// The copy is a new file, and made by SQLite: the threads of a dropped [`Store`] close its files somewhat later, and until
/// then a file that took the place of theirs would be read with their WAL.
pub(super) fn copy_with(database: &Path, copy: &Path, damage: &str) {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(copy).unwrap();
    let mut copy = Connection::open(copy).unwrap();
    let database = Connection::open(database).unwrap();
    Backup::new(&database, &mut copy).unwrap().step(-1).unwrap();
    copy.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    assert!(copy.execute(damage, []).unwrap() > 0, "{damage}");
}

/// A database that no server changes.
pub(super) struct Books(Store);

impl Books {
    /// # Panics
    /// The file is damaged.
    pub(super) fn of_file(path: &Path) -> Self {
        let file = Connection::open(path).unwrap();
        let number = |sql: &str| file.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        let integrity: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!((integrity.as_str(), number("SELECT count(*) FROM pragma_foreign_key_check")), ("ok", 0));
        Self::of(&Location::File(path.to_owned()))
    }

    pub(super) fn of(location: &Location) -> Self {
        Self(Store::open(location).unwrap())
    }

    /// # Panics
    /// Something acknowledged is missing, something was spent twice, or two counts of the same differ.
    pub(super) async fn check(&self, ledger: &Ledger) {
        self.check_machines(ledger).await;
        self.check_single_use(ledger).await;
        self.check_revocations(ledger).await;
        self.check_logins(ledger).await;
        self.check_counts(ledger).await;
    }

    async fn check_machines(&self, ledger: &Ledger) {
        let sql = "SELECT id, name, tailnet_ip, token_hash FROM machines";
        let row = |row: &Row<'_>| {
            let (name, address, token_hash) = (row.text(1)?, row.text(2)?, row.optional_text(3)?);
            Ok((row.text(0)?, MachineRow { name, address, token_hash }))
        };
        let rows = self.all(sql, row).await;
        let single_use = ledger.single_use.values().flat_map(|key| &key.successes);
        for machine in ledger.machines.iter().chain(single_use) {
            let Registered { id, name, address, token } = machine;
            let row = rows.get(id).unwrap_or_else(|| panic!("{name} was acknowledged and is gone"));
            assert_eq!((&row.name, &row.address), (name, address));
            assert_eq!(row.token_hash.as_deref(), Some(sha256(token).as_str()), "{name}");
        }
        let possible = ledger.possible();
        for row in rows.values() {
            assert!(!ledger.refused.contains(&row.name), "{} was refused and is there", row.name);
            assert!(possible.contains(row.name.as_str()), "{} is there and nobody asked for it", row.name);
        }
        let addresses = rows.values().map(|row| &row.address).collect::<BTreeSet<_>>();
        assert_eq!(addresses.len(), rows.len(), "addresses are unique");
        let sql =
            "SELECT q.machine_id, m.status FROM quarantines q LEFT JOIN machines m ON m.id = q.machine_id";
        let bound = self.all(sql, |row| Ok((row.text(0)?, row.optional_text(1)?))).await;
        for quarantined in &ledger.quarantined {
            let status = bound.get(&quarantined.machine.id);
            let status = status.unwrap_or_else(|| panic!("{quarantined:?} is not bound"));
            assert!(
                quarantined.deleted || status.as_deref() == Some("quarantined"),
                "{quarantined:?}: {status:?}"
            );
            assert!(
                status.as_deref().is_none_or(|status| status == "quarantined"),
                "{quarantined:?}: {status:?}"
            );
        }
    }

    async fn check_single_use(&self, ledger: &Ledger) {
        let sql = "SELECT id, used_count FROM auth_keys WHERE reusable = 0";
        let uses = self.all(sql, |row| Ok((row.text(0)?, row.integer(1)?))).await;
        for (id, key) in &ledger.single_use {
            let used = uses.get(id).unwrap_or_else(|| panic!("{id} was acknowledged and is gone"));
            assert!(key.successes.len() <= 1, "spent twice: {key:?}");
            let least = i64::from(!key.successes.is_empty() || key.used_up);
            assert!((least..=1).contains(used), "{used} uses of {key:?}");
        }
        let twice = "SELECT count(*) FROM (SELECT m.auth_key_id FROM machines m JOIN auth_keys k ON k.id = m.auth_key_id
             WHERE k.reusable = 0 GROUP BY m.auth_key_id HAVING count(*) > 1) AS twice";
        assert_eq!(self.count(twice).await, 0, "single-use keys with two machines");
    }

    async fn check_revocations(&self, ledger: &Ledger) {
        let flag = |row: &Row<'_>| Ok((row.text(0)?, row.flag(1)?));
        let auth_keys = self.all("SELECT id, revoked FROM auth_keys", flag).await;
        let api_keys = self.all("SELECT id, revoked FROM api_keys", flag).await;
        for (id, _) in &ledger.revoked {
            assert_eq!(auth_keys.get(id), Some(&true), "the revocation of {id} was acknowledged");
        }
        for (id, _, issued) in &ledger.revoked_api_keys {
            assert_eq!(api_keys.get(id), Some(&true), "the revocation of {id} was acknowledged");
            assert_eq!(auth_keys.get(issued), Some(&true), "{issued} was issued by {id}");
        }
    }

    async fn check_logins(&self, ledger: &Ledger) {
        let sql = "SELECT device_code_hash, status FROM device_codes";
        let status = self.all(sql, |row| Ok((row.text(0)?, row.text(1)?))).await;
        for login in ledger.logins.iter().filter(|login| login.approved) {
            // An expired code is deleted after some minutes.
            let Some(status) = status.get(&sha256(&login.device_code)) else { continue };
            let expected: &[&str] = if login.token.is_some() { &["used"] } else { &["approved", "used"] };
            assert!(expected.contains(&status.as_str()), "{status}: {login:?}");
        }
        let ended = ledger.logins.iter().filter(|login| login.logged_out).count();
        let rows = self.count("SELECT count(*) FROM ended_sessions").await;
        assert!(rows >= i64::try_from(ended).unwrap());
    }

    /// Each fact that is counted in two places.
    async fn check_counts(&self, ledger: &Ledger) {
        let machines = self.count("SELECT count(*) FROM machines").await;
        let pooled = "SELECT machines FROM address_pools WHERE org_id = 'storm'";
        assert_eq!(self.count(pooled).await, machines);
        let deleted = self.count("SELECT count(*) FROM audit_logs WHERE action = 'delete_machine'").await;
        let added = self.count("SELECT count(*) FROM audit_logs WHERE action = 'register_machine'").await;
        assert_eq!(added - deleted, machines, "every name is registered once");
        // Counted once for all keys: a search of the log for each of them would take minutes.
        let differing = "WITH uses AS MATERIALIZED (SELECT substr(actor, 10) AS id, count(*) AS n FROM audit_logs
            WHERE action = 'register_machine' AND actor LIKE 'auth-key:%' GROUP BY actor)
            SELECT count(*) FROM auth_keys k LEFT JOIN uses u ON u.id = k.id WHERE k.used_count <> coalesce(u.n, 0)";
        assert_eq!(self.count(differing).await, 0, "keys whose uses differ from their registrations");
        for (action, table) in [("create_auth_key", "auth_keys"), ("create_api_key", "api_keys")] {
            let logged =
                self.count(&format!("SELECT count(*) FROM audit_logs WHERE action = '{action}'")).await;
            assert_eq!(self.count(&format!("SELECT count(*) FROM {table}")).await, logged, "{table}");
        }
        let lost = "SELECT count(*) FROM machines WHERE id NOT IN
            (SELECT target FROM audit_logs WHERE action = 'register_machine')";
        assert_eq!(self.count(lost).await, 0, "machines without an audit entry");
        let acknowledged = i64::try_from(ledger.machines.len()).unwrap();
        assert!(machines >= acknowledged, "{machines} machines, {acknowledged} acknowledged");
    }

    async fn count(&self, sql: &str) -> i64 {
        let sql = sql.to_owned();
        let counted = self.0.read(move |tx| tx.optional(&sql, &[], |row| row.integer(0)));
        counted.await.unwrap_or_else(|error: StoreError| panic!("{error}")).unwrap()
    }

    async fn all<V: Send + 'static>(
        &self,
        sql: &'static str,
        read: impl Fn(&Row<'_>) -> Result<(String, V), StoreError> + Send + 'static,
    ) -> BTreeMap<String, V> {
        let rows = self.0.read(move |tx| tx.all(sql, &[], read)).await;
        rows.unwrap_or_else(|error: StoreError| panic!("{error}")).into_iter().collect()
    }
}
