//! The statements of a registration without anything around them: no HTTP, no rules, no threads.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::clients::{SPAN, public_key};
use crate::organisation::ORGANISATION;
use crate::plane::Plane;

const OS: Option<&str> = None;
const NOW: i64 = 1_790_000_000_000;
/// When the machines were last heard of: far ahead, so that the upkeep does not mark a million of them offline in the
/// middle of a measurement.
const HEARD: i64 = 4_000_000_000_000;

/// A database with a key, in one thread.
pub(crate) struct Sql {
    connection: RefCell<Connection>,
    key_hash: String,
    registered: Cell<u64>,
}

impl Sql {
    /// Creates a file as the control plane does.
    pub(crate) async fn open(path: &Path) -> Self {
        let plane = Plane::start(path).await;
        plane.stop().await;
        Self::of(path)
    }

    /// Opens the file of a control plane.
    pub(crate) fn of(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        // As the store's writer.
        connection.pragma_update(None, "synchronous", "FULL").unwrap();
        connection.pragma_update(None, "foreign_keys", true).unwrap();
        connection.pragma_update(None, "cache_size", -8 * 1024).unwrap();
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).unwrap();
        connection.set_prepared_statement_cache_capacity(64);
        let key = "SELECT key_hash FROM auth_keys";
        let key_hash = connection.query_row(key, [], |row| row.get(0)).unwrap();
        let count = "SELECT count(*) FROM machines";
        let registered = connection.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap();
        let registered = Cell::new(u64::try_from(registered).unwrap());
        Self { connection: RefCell::new(connection), key_hash, registered }
    }

    /// Registrations a second, that many a commit.
    pub(crate) fn rate(&self, a_commit: usize) -> f64 {
        let (started, mut count) = (Instant::now(), 0.0);
        while started.elapsed() < SPAN {
            self.commit(a_commit);
            count += 1.0;
        }
        count * f64::from(u32::try_from(a_commit).unwrap()) / started.elapsed().as_secs_f64()
    }

    /// Registers so many that there are that many machines, without waiting for the disk.
    pub(crate) fn fill(&self, machines: u64) {
        self.pragma("synchronous", "OFF");
        while self.registered.get() < machines {
            let missing = machines - self.registered.get();
            self.commit(usize::try_from(missing.min(10_000)).unwrap());
        }
        self.pragma("synchronous", "FULL");
    }

    /// Fails if a registration through the API leaves other rows than these statements.
    pub(crate) async fn check_against(&self, path: &Path) {
        let plane = Plane::start(path).await;
        let registered = plane.load(1).run("check").await;
        assert!(registered > 0.0);
        plane.stop().await;
        let other = Self::of(path);
        let before = shape(&self.connection.borrow());
        for _ in 0..other.registered.get() {
            self.commit(1);
        }
        let (own, other) = (shape(&self.connection.borrow()), shape(&other.connection.borrow()));
        assert_ne!(own, before);
        assert_eq!(own, other, "the statements of the bench are not those of a registration");
    }

    fn pragma(&self, name: &str, value: &str) {
        self.connection.borrow().pragma_update(None, name, value).unwrap();
    }

    fn commit(&self, registrations: usize) {
        let mut connection = self.connection.borrow_mut();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate);
        let transaction = transaction.unwrap();
        for _ in 0..registrations {
            let number = self.registered.replace(self.registered.get() + 1);
            register(&transaction, &self.key_hash, number);
        }
        transaction.commit().unwrap();
    }
}

fn register(connection: &Connection, key_hash: &str, number: u64) {
    let name = format!("sql-{number}");
    let (public_key, token_hash) =
        (public_key(&name), hex::encode(public_key(&format!("t{name}")))[..64].to_owned());
    let marked = public_key.replace('=', "+");
    let now = NOW + i64::try_from(number / 16).unwrap();
    let id = |of: u8| format!("{now:012x}-7000-{number:016x}-{of:02x}");
    let prepare = |sql| connection.prepare_cached(sql).unwrap();
    let integer = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);

    let key_id: String = prepare(
        "SELECT k.id, k.org_id, k.reusable, k.ephemeral, k.used_count, k.expires_at, k.revoked,
             k.allowed_tags, k.allowed_cidrs, k.tags,
             p.machines - (SELECT count(*) FROM machines m WHERE m.org_id = o.id AND m.status = 'pending'),
             o.machine_limit
         FROM auth_keys k JOIN organisations o ON o.id = k.org_id JOIN address_pools p ON p.org_id = k.org_id
         WHERE k.key_hash = ?1",
    )
    .query_row([key_hash], |row| row.get(0))
    .unwrap();
    let known = prepare(
        "SELECT id FROM machines WHERE org_id = ?1 AND name_key = ?2 ORDER BY name = ?3 DESC, created_at LIMIT 1",
    )
    .exists([ORGANISATION, &name, &name])
    .unwrap();
    let bound = prepare(
        "SELECT 1 FROM quarantines WHERE org_id = ?1 AND name_key = ?2 UNION ALL
         SELECT 1 FROM quarantines WHERE org_id = ?1 AND public_key IN (?3, ?4) LIMIT 1",
    )
    .exists([ORGANISATION, &name, &public_key, &marked])
    .unwrap();
    let held = prepare(
        "SELECT id, org_id FROM machines WHERE substr(public_key, 1, 8) = substr(?1, 1, 8) AND public_key IN (?1, ?2)
         ORDER BY created_at",
    )
    .exists([&public_key, &marked])
    .unwrap();
    assert!(!known && !bound && !held);
    let claimed = prepare(
        "UPDATE auth_keys SET used_count = used_count + 1
         WHERE id = ?1 AND revoked = 0 AND expires_at > ?2 AND (reusable = 1 OR used_count = 0)",
    )
    .execute(params![key_id, 0])
    .unwrap();
    assert_eq!(claimed, 1);
    prepare(
        "UPDATE address_pools SET next_offset = next_offset + 1, machines = machines + 1
         WHERE org_id = ?1 AND next_offset <= ?2",
    )
    .execute(params![ORGANISATION, 4_194_302])
    .unwrap();
    let offset = prepare("SELECT next_offset - 1 FROM address_pools WHERE org_id = ?1");
    let offset = { offset }.query_row([ORGANISATION], integer).unwrap();
    prepare("UPDATE network_maps SET version = version + 1 WHERE org_id = ?1")
        .execute([ORGANISATION])
        .unwrap();
    let version = prepare("SELECT version FROM network_maps WHERE org_id = ?1");
    let version = { version }.query_row([ORGANISATION], integer).optional().unwrap();
    prepare(
        "INSERT INTO machines (id, org_id, name, tailnet_ip, status, tags, ephemeral, public_key, token_hash,
             auth_key_id, enrolled_by, os, version, created_at, last_seen, map_version, name_key)
         VALUES (?1, ?2, ?3, ?4, 'online', '[]', 0, ?5, ?6, ?7, NULL, ?8, ?8, ?9, ?10, ?11, ?3)",
    )
    .execute(params![
        id(1),
        ORGANISATION,
        name,
        format!("100.{}.{}.{}", 64 + (offset >> 16), (offset >> 8) & 255, offset & 255),
        public_key,
        token_hash,
        key_id,
        OS,
        now,
        HEARD,
        version
    ])
    .unwrap();
    prepare(
        "INSERT INTO audit_logs (id, org_id, actor, action, target, details, created_at)
         VALUES (?1, ?2, ?3, 'register_machine', ?4, ?5, ?6)",
    )
    .execute(params![
        id(2),
        ORGANISATION,
        format!("auth-key:{key_id}"),
        id(1),
        format!(r#"{{"name":"{name}","reregistered":false}}"#),
        now
    ])
    .unwrap();
}

/// What the tables hold, but for names, keys and times: of each table how many rows are of which types and lengths.
fn shape(connection: &Connection) -> BTreeMap<String, BTreeMap<String, u32>> {
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut tables = connection.prepare(tables).unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let rows_of = |table: &String| {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        let mut kinds = BTreeMap::new();
        while let Some(row) = rows.next().unwrap() {
            let kind: Vec<String> = (0..columns).map(|at| kind(&row.get(at).unwrap())).collect();
            *kinds.entry(kind.join(" ")).or_default() += 1;
        }
        kinds
    };
    tables.iter().map(|table| (table.clone(), rows_of(table))).collect()
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Integer(number @ 0..2) => number.to_string(),
        Value::Integer(_) => "integer".to_owned(),
        Value::Text(text) => {
            // Names have other lengths; ids, hashes and keys have not.
            if text.len() >= 32 { format!("text of {}", text.len() / 12 * 12) } else { "text".to_owned() }
        }
        _ => "other".to_owned(),
    }
}
