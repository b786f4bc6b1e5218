//! Migrations: the same as SQLite's, by whichever replica starts first.

use super::address::Address;
use super::session::Session;
use crate::store::health::Health;
use crate::store::migration::MIGRATIONS;
use crate::store::tx::Connection;
use crate::store::{StoreError, Tx, name_keys};

/// The class of this program's advisory locks: "ztna" in ASCII.
const LOCK_CLASS: i32 = 0x7a74_6e61;

/// The schema in which the tables are, by the numbers and names that are derived from it.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    /// Begins a transaction that excludes the writers of all replicas.
    pub(super) begin: String,
    /// The channel on which replicas tell each other of changes.
    pub(super) channel: String,
}

/// Applies all missing migrations in one transaction, for which other replicas wait.
pub(super) fn apply(session: &mut Session, address: &Address) -> Result<Schema, StoreError> {
    let schema = schema(session, address)?;
    session.run(&schema.begin)?;
    let applied = apply_in_transaction(session, address);
    session.run(if applied.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    applied.map(|()| schema)
}

fn apply_in_transaction(session: &mut Session, address: &Address) -> Result<(), StoreError> {
    let found = version(session, address)?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::TooNew { database: address.to_string(), found, known });
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        session.run(&translated(migration))?;
    }
    session.execute("UPDATE schema_version SET version = ?1", &[known.into()])?;
    let health = Health::in_memory();
    name_keys::update_in(&mut Tx::new(Connection::Postgres(session), true, &health))
}

/// Returns the version of the tables, and creates the place where it is kept.
fn version(session: &mut Session, address: &Address) -> Result<i64, StoreError> {
    let tables = |session: &mut Session, names: &str| {
        let sql = format!(
            "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename IN ({names})"
        );
        number(session, &sql)
    };
    if tables(session, "'schema_version'")? == 0 {
        if tables(session, "'organisations', 'auth_keys', 'settings'")? > 0 {
            return Err(StoreError::Foreign { database: address.to_string() });
        }
        session.run(
            "CREATE TABLE schema_version (version BIGINT NOT NULL); INSERT INTO schema_version VALUES (0)",
        )?;
    }
    number(session, "SELECT version FROM schema_version")
}

fn schema(session: &mut Session, address: &Address) -> Result<Schema, StoreError> {
    let missing = || StoreError::Connect {
        address: address.to_string(),
        cause: "no schema of its search_path exists".to_owned(),
        way_out: "Create it with CREATE SCHEMA, or name another one with options=-csearch_path=NAME.",
        condition: crate::store::Condition::Refused,
    };
    let rows = session.query_once("SELECT hashtext(current_schema())", &[])?;
    let hash: Option<i32> = rows.first().map(|row| row.try_get(0)).transpose()?.flatten();
    let hash = hash.ok_or_else(missing)?;
    Ok(Schema {
        begin: format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK_CLASS}, {hash})"),
        channel: format!("mock_server_{hash:08x}"),
    })
}

fn number(session: &mut Session, sql: &str) -> Result<i64, StoreError> {
    let rows = session.query_once(sql, &[])?;
    rows.first().map_or(Ok(0), |row| super::integer(row, 0))
}

/// Adapts a migration: texts are compared by their bytes, as on SQLite, integers have 64 bits, and all tables have rowids.
pub(in crate::store) fn translated(migration: &str) -> String {
    let mut sql = String::with_capacity(migration.len() * 2);
    for line in migration.lines() {
        let statement = line.split_once("--").map_or(line, |(statement, _)| statement);
        let statement = statement.replace(" WITHOUT ROWID", "");
        for (at, word) in statement.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_').enumerate() {
            let name = word.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '_');
            let rest = &word[name.len()..];
            // The first word of a line is a column's name or a keyword.
            match name {
                "TEXT" if at > 0 => sql.push_str("TEXT COLLATE \"C\""),
                "INTEGER" if at > 0 => sql.push_str("BIGINT"),
                name => sql.push_str(name),
            }
            sql.push_str(rest);
        }
        sql.push('\n');
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_translated_and_comments_are_dropped() {
        let sqlite = "CREATE TABLE t (\n    id    TEXT PRIMARY KEY,   -- TEXT; or not\n    n INTEGER, TEXTS BIGINT) WITHOUT ROWID;";
        let expected =
            "CREATE TABLE t (\n    id    TEXT COLLATE \"C\" PRIMARY KEY,   \n    n BIGINT, TEXTS BIGINT);\n";
        assert_eq!(translated(sqlite), expected);
    }
}
