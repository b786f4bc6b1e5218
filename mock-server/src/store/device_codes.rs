//! The table `device_codes`: device logins that await approval (RFC 8628).

use std::time::Duration;

use super::{StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::device_code::{DeviceCode, Progress};
use crate::values;

#[derive(Debug, Clone)]
pub struct NewDeviceCode<'a> {
    /// SHA-256 of the device code in hex.
    pub device_code_hash: &'a str,
    pub user_code: &'a str,
    pub client_id: &'a str,
    /// The network of the device, empty if it is not known.
    pub started_from: &'a str,
    pub interval: Duration,
    pub expires_at: Timestamp,
}

/// Inserts a code; fails with [`StoreError::Unique`] if the user code is taken.
pub fn insert(tx: &mut Tx<'_>, code: &NewDeviceCode<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO device_codes (device_code_hash, user_code, client_id, status, interval_seconds, expires_at,
             created_at, started_from)
         VALUES (?1, ?2, ?3, 'pending', ?4, ?5, ?6, ?7)",
        values![
            code.device_code_hash,
            code.user_code,
            code.client_id,
            seconds(code.interval),
            code.expires_at,
            now,
            code.started_from
        ],
    )?;
    Ok(())
}

pub fn find_by_hash(tx: &mut Tx<'_>, device_code_hash: &str) -> Result<Option<DeviceCode>, StoreError> {
    tx.optional(
        "SELECT client_id, status, user_id, interval_seconds, last_polled_at, expires_at
         FROM device_codes WHERE device_code_hash = ?1",
        values![device_code_hash],
        |row| {
            let status = row.text(1)?;
            let progress = match (status.as_str(), row.optional_text(2)?) {
                ("pending", _) => Progress::Pending,
                ("approved", Some(user_id)) => Progress::Approved { user_id },
                ("denied", _) => Progress::Denied,
                ("used", _) => Progress::Used,
                _ => {
                    let column = "device_codes.status".to_owned();
                    return Err(StoreError::Corrupt { column, reason: status });
                }
            };
            Ok(DeviceCode {
                client_id: row.text(0)?,
                progress,
                interval: Duration::from_secs(u64::try_from(row.integer(3)?).map_err(|error| {
                    let column = "device_codes.interval_seconds".to_owned();
                    StoreError::Corrupt { column, reason: error.to_string() }
                })?),
                last_polled_at: row.optional_integer(4)?.map(Timestamp::from_millis),
                expires_at: row.timestamp(5)?,
            })
        },
    )
}

/// Stores the time of a poll and the interval that applies from now on.
pub fn record_poll(
    tx: &mut Tx<'_>,
    device_code_hash: &str,
    interval: Duration,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE device_codes SET last_polled_at = ?2, interval_seconds = ?3 WHERE device_code_hash = ?1",
        values![device_code_hash, now, seconds(interval)],
    )?;
    Ok(())
}

/// Redeems an approved code. Returns `false` if it was redeemed in the meantime.
pub fn redeem(tx: &mut Tx<'_>, device_code_hash: &str) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE device_codes SET status = 'used' WHERE device_code_hash = ?1 AND status = 'approved'",
        values![device_code_hash],
    )?;
    Ok(changed > 0)
}

/// Records a person's decision. Returns `false` if no pending code has this user code.
pub fn decide(
    tx: &mut Tx<'_>,
    user_code: &str,
    (user_id, authenticated_at): (&str, Timestamp),
    approve: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE device_codes SET status = ?2, user_id = ?3, authenticated_at = ?5
         WHERE user_code = ?1 AND status = 'pending' AND expires_at > ?4",
        values![user_code, if approve { "approved" } else { "denied" }, user_id, now, authenticated_at],
    )?;
    Ok(changed > 0)
}

/// Returns when the user who decided last entered the password; `None` for decisions of earlier versions.
pub fn authenticated_at(tx: &mut Tx<'_>, device_code_hash: &str) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT authenticated_at FROM device_codes WHERE device_code_hash = ?1";
    let found = tx.optional(sql, values![device_code_hash], |row| row.optional_integer(0))?;
    Ok(found.flatten().map(Timestamp::from_millis))
}

/// Deletes at most `limit` codes that expired before `expired_before`, and returns their number.
pub fn prune(tx: &mut Tx<'_>, expired_before: Timestamp, limit: i64) -> Result<usize, StoreError> {
    let sql = "DELETE FROM device_codes WHERE device_code_hash IN
        (SELECT device_code_hash FROM device_codes WHERE expires_at < ?1 LIMIT ?2)";
    tx.execute(sql, values![expired_before, limit])
}

pub fn has_more_than(tx: &mut Tx<'_>, count: i64) -> Result<bool, StoreError> {
    let one_more = tx.optional("SELECT 1 FROM device_codes LIMIT 1 OFFSET ?1", values![count], |_| Ok(()))?;
    Ok(one_more.is_some())
}

/// Returns when the oldest of the `count` latest logins from a network started, if as many started after `after`.
pub fn started_since(
    tx: &mut Tx<'_>,
    started_from: &str,
    after: Timestamp,
    count: i64,
) -> Result<Option<Timestamp>, StoreError> {
    tx.optional(
        "SELECT created_at FROM device_codes WHERE started_from = ?1 AND created_at > ?2
         ORDER BY created_at DESC LIMIT 1 OFFSET ?3",
        values![started_from, after, count.saturating_sub(1)],
        |row| row.timestamp(0),
    )
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}
