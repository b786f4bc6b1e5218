//! The comparable forms of machine names in the database, made anew when their rule changes.

use rusqlite::{Connection, params};
use ztna_protocol::machine_name::comparable;

/// To be increased with every change of [`comparable`].
const RULE: &str = "2";
const SETTING: &str = "name_key_rule";

/// Rewrites the comparable forms that an earlier rule made.
pub(super) fn update(connection: &Connection) -> Result<(), rusqlite::Error> {
    let current: i64 = connection.query_row(
        "SELECT count(*) FROM settings WHERE name = ?1 AND value = ?2",
        params![SETTING, RULE],
        |row| row.get(0),
    )?;
    if current > 0 {
        return Ok(());
    }
    rewrite(
        connection,
        "SELECT id, name_key, name FROM machines",
        "UPDATE machines SET name_key = ?2 WHERE id = ?1",
    )?;
    rewrite(
        connection,
        "SELECT machine_id, name_key, name_key FROM quarantines",
        "UPDATE quarantines SET name_key = ?2 WHERE machine_id = ?1",
    )?;
    connection
        .execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)", params![SETTING, RULE])?;
    Ok(())
}

fn rewrite(connection: &Connection, select: &str, update: &str) -> Result<(), rusqlite::Error> {
    let mut select = connection.prepare(select)?;
    let mut update = connection.prepare(update)?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let rows = rows.collect::<Result<Vec<(String, String, String)>, _>>()?;
    for (id, stored, name) in rows {
        let key = comparable(&name);
        if key != stored {
            update.execute(params![id, key])?;
        }
    }
    Ok(())
}
