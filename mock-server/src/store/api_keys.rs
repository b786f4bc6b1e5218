use super::{StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::rate::Window;
use crate::domain::scope::Scopes;
use crate::values;

#[derive(Debug, Clone)]
pub struct NewApiKey<'a> {
    pub id: &'a str,
    pub org_id: &'a str,
    pub name: &'a str,
    /// SHA-256 of the full key in hex.
    pub key_hash: &'a str,
    pub key_prefix: &'a str,
    pub scopes: &'a Scopes,
    pub rate_limit_rpm: i64,
    pub expires_at: Timestamp,
    /// The creator's user id.
    pub created_by: &'a str,
}

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

/// Revokes a key permanently; idempotent. Returns `false` if the organisation has no such key.
pub fn revoke(tx: &mut Tx<'_>, org_id: &str, id: &str) -> Result<bool, StoreError> {
    let changed =
        tx.execute("UPDATE api_keys SET revoked = 1 WHERE id = ?1 AND org_id = ?2", values![id, org_id])?;
    Ok(changed > 0)
}

/// The facts that decide whether a key may be used.
#[derive(Debug, Clone)]
pub struct KeyUsage {
    pub id: String,
    pub org_id: String,
    pub scopes: Scopes,
    pub rate_limit_rpm: i64,
    pub expires_at: Timestamp,
    pub revoked: bool,
    /// `None` until the key is first used.
    pub window: Option<Window>,
}

pub fn find_by_hash(tx: &mut Tx<'_>, key_hash: &str) -> Result<Option<KeyUsage>, StoreError> {
    tx.optional(
        "SELECT id, org_id, scopes, rate_limit_rpm, expires_at, revoked, window_started_at, window_uses
         FROM api_keys WHERE key_hash = ?1",
        values![key_hash],
        |row| {
            let started = row.optional_integer(6)?.map(Timestamp::from_millis);
            let uses = row.integer(7)?;
            Ok(KeyUsage {
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

/// Counts a use and stores its window. Returns `false` if another replica counted a use since `key` was read.
pub fn count_use(
    tx: &mut Tx<'_>,
    key: &KeyUsage,
    window: Window,
    now: Timestamp,
) -> Result<bool, StoreError> {
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

/// Returns the creator's user id if the key is still valid.
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
    async fn concurrent_uses_by_replicas_are_detected() {
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
            let seen = find_by_hash(tx, "h")?.unwrap();
            let window = Window { started: now, uses: 1 };
            let first = count_use(tx, &seen, window, now)?;
            let stale = count_use(tx, &seen, window, now)?;
            let seen = find_by_hash(tx, "h")?.unwrap();
            let again = count_use(tx, &seen, Window { uses: 2, ..window }, now)?;
            let last_seen = find_by_hash(tx, "h")?.unwrap();
            revoke(tx, "o", "k")?;
            let revoked = count_use(tx, &last_seen, window, now)?;
            Ok::<_, StoreError>(((first, stale, again, revoked), last_seen.window))
        });
        let expected = Some(Window { started: now, uses: 2 });
        assert_eq!(outcome.await.unwrap(), ((true, false, true, false), expected));
    }
}
