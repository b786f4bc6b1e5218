//! The table `api_keys`.

use super::{StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::rate::Window;
use crate::domain::scope::Scopes;
use crate::values;

/// A new API key's row.
#[derive(Debug, Clone)]
pub struct NewApiKey<'a> {
    /// The row's id.
    pub id: &'a str,
    /// The organisation it belongs to.
    pub org_id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// SHA-256 of the full key, hex.
    pub key_hash: &'a str,
    /// What lists show of it.
    pub key_prefix: &'a str,
    /// What it may be used for.
    pub scopes: &'a Scopes,
    /// Uses a minute.
    pub rate_limit_rpm: i64,
    /// When it stops being valid.
    pub expires_at: Timestamp,
    /// The user who made it.
    pub created_by: &'a str,
}

/// Adds a key.
pub fn insert(tx: &mut Tx<'_>, key: &NewApiKey<'_>, now: Timestamp) -> Result<(), StoreError> {
    let scopes = key.scopes.names().map(|names| serde_json::json!(names).to_string());
    tx.execute(
        "INSERT INTO api_keys (id, org_id, name, key_hash, key_prefix, scopes, rate_limit_rpm, expires_at,
             created_by, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        values![
            key.id,
            key.org_id,
            key.name,
            key.key_hash,
            key.key_prefix,
            scopes,
            key.rate_limit_rpm,
            key.expires_at,
            key.created_by,
            now
        ],
    )?;
    Ok(())
}

/// Revokes a key for good; `false` if the organisation has no such key. Twice is as good as once.
pub fn revoke(tx: &mut Tx<'_>, org_id: &str, id: &str) -> Result<bool, StoreError> {
    let changed =
        tx.execute("UPDATE api_keys SET revoked = 1 WHERE id = ?1 AND org_id = ?2", values![id, org_id])?;
    Ok(changed > 0)
}

/// What decides whether a key may be used now.
#[derive(Debug, Clone)]
pub struct Usable {
    /// The row's id.
    pub id: String,
    /// The organisation it belongs to.
    pub org_id: String,
    /// What it may be used for.
    pub scopes: Scopes,
    /// Uses a minute.
    pub rate_limit_rpm: i64,
    /// When it stops being valid.
    pub expires_at: Timestamp,
    /// Whether it was revoked.
    pub revoked: bool,
    /// The minute in which its uses are counted, once it was used.
    pub window: Option<Window>,
}

/// The key with that hash (SHA-256 of the full key, hex).
pub fn by_hash(tx: &mut Tx<'_>, key_hash: &str) -> Result<Option<Usable>, StoreError> {
    tx.optional(
        "SELECT id, org_id, scopes, rate_limit_rpm, expires_at, revoked, window_started_at, window_uses
         FROM api_keys WHERE key_hash = ?1",
        values![key_hash],
        |row| {
            let started = row.optional_integer(6)?.map(Timestamp::from_millis);
            let uses = row.integer(7)?;
            Ok(Usable {
                id: row.text(0)?,
                org_id: row.text(1)?,
                scopes: Scopes::stored(row.json(2)?),
                rate_limit_rpm: row.integer(3)?,
                expires_at: row.timestamp(4)?,
                revoked: row.flag(5)?,
                window: started.map(|started| Window { started, uses }),
            })
        },
    )
}

/// Counts a use and remembers the window it falls into; `false` if another replica counted one since `key` was read.
pub fn count_use(tx: &mut Tx<'_>, key: &Usable, window: Window, now: Timestamp) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE api_keys SET usage_count = usage_count + 1, last_used_at = ?2, window_started_at = ?3, window_uses = ?4
         WHERE id = ?1 AND window_started_at IS NOT DISTINCT FROM ?5 AND window_uses = ?6 AND revoked = 0",
        values![
            &key.id,
            now,
            window.started,
            window.uses,
            key.window.map(|seen| seen.started),
            key.window.map_or(0, |seen| seen.uses)
        ],
    )?;
    Ok(changed > 0)
}

/// The user who made the key, if it is still valid.
pub fn creator(tx: &mut Tx<'_>, id: &str, now: Timestamp) -> Result<Option<String>, StoreError> {
    tx.optional(
        "SELECT created_by FROM api_keys WHERE id = ?1 AND revoked = 0 AND expires_at > ?2",
        values![id, now],
        |row| row.text(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Location, Store, organisations};

    #[tokio::test]
    async fn a_use_that_another_replica_counted_meanwhile_is_noticed() {
        let store = Store::open(&Location::Memory).unwrap();
        let now = Timestamp::from_millis(1000);
        let outcome = store.write(move |tx| {
            organisations::insert(tx, "o", "O", 1, now)?;
            let key = NewApiKey {
                id: "k",
                org_id: "o",
                name: "a key",
                key_hash: "h",
                key_prefix: "p",
                scopes: &Scopes::default(),
                rate_limit_rpm: 1,
                expires_at: now,
                created_by: "u",
            };
            insert(tx, &key, now)?;
            let seen = by_hash(tx, "h")?.unwrap();
            let window = Window { started: now, uses: 1 };
            let first = count_use(tx, &seen, window, now)?;
            let stale = count_use(tx, &seen, window, now)?;
            let seen = by_hash(tx, "h")?.unwrap();
            let again = count_use(tx, &seen, Window { uses: 2, ..window }, now)?;
            let last_seen = by_hash(tx, "h")?.unwrap();
            revoke(tx, "o", "k")?;
            let revoked = count_use(tx, &last_seen, window, now)?;
            Ok::<_, StoreError>(((first, stale, again, revoked), last_seen.window))
        });
        let expected = Some(Window { started: now, uses: 2 });
        assert_eq!(outcome.await.unwrap(), ((true, false, true, false), expected));
    }
}
