//! The database of a killed server, compared with what was acknowledged and with itself.

use std::collections::BTreeMap;
use std::path::Path;

use mock_server::domain::key::material::sha256;
use rusqlite::{Connection, Row};

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
pub(super) fn copy_with(database: &Path, copy: &Path, damage: &str) {
    Connection::open(database).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    std::fs::copy(database, copy).unwrap();
    let copy = Connection::open(copy).unwrap();
    copy.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    assert!(copy.execute(damage, []).unwrap() > 0, "{damage}");
}

/// # Panics
/// Something acknowledged is missing, something was spent twice, or two counts of the same differ.
pub(super) fn check(database: &Path, ledger: &Ledger) {
    let database = Connection::open(database).unwrap();
    let integrity: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(integrity, "ok");
    assert_eq!(count(&database, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    check_machines(&database, ledger);
    check_single_use(&database, ledger);
    check_revocations(&database, ledger);
    check_logins(&database, ledger);
    check_counts(&database, ledger);
}

fn check_machines(database: &Connection, ledger: &Ledger) {
    let sql = "SELECT id, name, tailnet_ip, token_hash FROM machines";
    let rows: BTreeMap<String, MachineRow> = all(database, sql, |row| {
        Ok((row.get(0)?, MachineRow { name: row.get(1)?, address: row.get(2)?, token_hash: row.get(3)? }))
    });
    let single_use = ledger.single_use.values().flat_map(|key| &key.successes);
    for machine in ledger.machines.iter().chain(single_use) {
        let Registered { id, name, address, token } = machine;
        let row = rows.get(id).unwrap_or_else(|| panic!("{name} was acknowledged and is gone"));
        assert_eq!((&row.name, &row.address), (name, address));
        assert_eq!(row.token_hash.as_deref(), Some(sha256(token).as_str()), "{name}");
    }
    for row in rows.values() {
        assert!(!ledger.refused.contains(&row.name), "{} was refused and is there", row.name);
    }
    let sql = "SELECT q.machine_id, m.status FROM quarantines q LEFT JOIN machines m ON m.id = q.machine_id";
    let bound: BTreeMap<String, Option<String>> = all(database, sql, |row| Ok((row.get(0)?, row.get(1)?)));
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

fn check_single_use(database: &Connection, ledger: &Ledger) {
    let uses: BTreeMap<String, i64> =
        all(database, "SELECT id, used_count FROM auth_keys WHERE reusable = 0", |row| {
            Ok((row.get(0)?, row.get(1)?))
        });
    for (id, key) in &ledger.single_use {
        let used = uses.get(id).unwrap_or_else(|| panic!("{id} was acknowledged and is gone"));
        assert!(key.successes.len() <= 1, "spent twice: {key:?}");
        let least = i64::from(!key.successes.is_empty() || key.used_up);
        assert!((least..=1).contains(used), "{used} uses of {key:?}");
    }
    let twice =
        "SELECT count(*) FROM (SELECT m.auth_key_id FROM machines m JOIN auth_keys k ON k.id = m.auth_key_id
                 WHERE k.reusable = 0 GROUP BY m.auth_key_id HAVING count(*) > 1)";
    assert_eq!(count(database, twice), 0, "single-use keys with two machines");
}

fn check_revocations(database: &Connection, ledger: &Ledger) {
    let revoked = |table: &str| -> BTreeMap<String, bool> {
        all(database, &format!("SELECT id, revoked FROM {table}"), |row| Ok((row.get(0)?, row.get(1)?)))
    };
    let (auth_keys, api_keys) = (revoked("auth_keys"), revoked("api_keys"));
    for (id, _) in &ledger.revoked {
        assert_eq!(auth_keys.get(id), Some(&true), "the revocation of {id} was acknowledged");
    }
    for (id, _, issued) in &ledger.revoked_api_keys {
        assert_eq!(api_keys.get(id), Some(&true), "the revocation of {id} was acknowledged");
        assert_eq!(auth_keys.get(issued), Some(&true), "{issued} was issued by {id}");
    }
}

fn check_logins(database: &Connection, ledger: &Ledger) {
    let status: BTreeMap<String, String> =
        all(database, "SELECT device_code_hash, status FROM device_codes", |row| {
            Ok((row.get(0)?, row.get(1)?))
        });
    for login in ledger.logins.iter().filter(|login| login.approved) {
        // An expired code is deleted after some minutes.
        let Some(status) = status.get(&sha256(&login.device_code)) else { continue };
        let expected: &[&str] = if login.token.is_some() { &["used"] } else { &["approved", "used"] };
        assert!(expected.contains(&status.as_str()), "{status}: {login:?}");
    }
    let ended = ledger.logins.iter().filter(|login| login.logged_out).count();
    assert!(count(database, "SELECT count(*) FROM ended_sessions") >= i64::try_from(ended).unwrap());
}

/// Each fact that is counted in two places.
fn check_counts(database: &Connection, ledger: &Ledger) {
    let machines = count(database, "SELECT count(*) FROM machines");
    assert_eq!(count(database, "SELECT machines FROM address_pools WHERE org_id = 'storm'"), machines);
    let deleted = "SELECT count(*) FROM audit_logs WHERE action = 'delete_machine'";
    let added = "SELECT count(*) FROM audit_logs WHERE action = 'register_machine'";
    assert_eq!(count(database, added) - count(database, deleted), machines, "every name is registered once");
    // Counted once for all keys: a search of the log for each of them would take minutes.
    let differing = "WITH uses AS MATERIALIZED (SELECT substr(actor, 10) AS id, count(*) AS n FROM audit_logs
        WHERE action = 'register_machine' AND actor LIKE 'auth-key:%' GROUP BY actor)
        SELECT count(*) FROM auth_keys k LEFT JOIN uses u ON u.id = k.id WHERE k.used_count <> coalesce(u.n, 0)";
    assert_eq!(count(database, differing), 0, "keys whose uses differ from their registrations");
    for (action, table) in [("create_auth_key", "auth_keys"), ("create_api_key", "api_keys")] {
        let logged = count(database, &format!("SELECT count(*) FROM audit_logs WHERE action = '{action}'"));
        assert_eq!(count(database, &format!("SELECT count(*) FROM {table}")), logged, "{table}");
    }
    let lost = "SELECT count(*) FROM machines WHERE id NOT IN
        (SELECT target FROM audit_logs WHERE action = 'register_machine')";
    assert_eq!(count(database, lost), 0, "machines without an audit entry");
    let acknowledged = i64::try_from(ledger.machines.len()).unwrap();
    assert!(machines >= acknowledged, "{machines} machines, {acknowledged} acknowledged");
}

fn count(database: &Connection, sql: &str) -> i64 {
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn all<K: Ord, V>(
    database: &Connection,
    sql: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<(K, V)>,
) -> BTreeMap<K, V> {
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], read).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}
