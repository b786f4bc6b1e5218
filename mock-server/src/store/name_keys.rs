//! The comparable forms of machine names in the database, made anew when their rule changes.

use rusqlite::{Connection, params};
use ztna_protocol::machine_name::comparable;

use super::{StoreError, Tx, settings};
use crate::values;

/// To be increased with every change of [`comparable`].
const RULE: &str = "2";
const SETTING: &str = "name_key_rule";

/// Where comparable forms are, and the statements that select the id, the stored form and the name, and replace the form.
const TABLES: [(&str, &str); 2] = [
    (
        "SELECT id, name_key, name FROM machines ORDER BY created_at, id",
        "UPDATE machines SET name_key = ?2, namesake =
             (SELECT coalesce(max(n.namesake) + 1, 0) FROM machines n WHERE n.org_id = machines.org_id AND n.name_key = ?2)
         WHERE id = ?1",
    ),
    (
        "SELECT machine_id, name_key, name_key FROM quarantines",
        "UPDATE quarantines SET name_key = ?2 WHERE machine_id = ?1",
    ),
];

/// As [`update`], in a transaction of any database.
pub(super) fn update_in(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    if settings::get(tx, SETTING)?.as_deref() == Some(RULE) {
        return Ok(());
    }
    for (select, update) in TABLES {
        let rows = tx.all(select, &[], |row| Ok((row.text(0)?, row.text(1)?, row.text(2)?)))?;
        for (id, stored, name) in rows {
            let key = comparable(&name);
            if key != stored {
                tx.execute(update, values![id, key])?;
            }
        }
    }
    settings::put(tx, SETTING, RULE)
}

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
    for (select, update) in TABLES {
        rewrite(connection, select, update)?;
    }
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
