//! The table `wrong_guesses`: wrong guesses at passwords and device codes, counted over all replicas.

use super::{StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::throttle::{Subjects, Tally, Wrong, remembered};
use crate::values;

/// Returns the wrong guesses that count against a guess at `now`.
pub fn tally(tx: &mut Tx<'_>, subjects: &Subjects, now: Timestamp) -> Result<Tally, StoreError> {
    let Subjects { pair, address, account } = subjects;
    let (after, before) = remembered(now);
    let rows = tx.all(
        "SELECT subject, guesses, last_at, delayed FROM wrong_guesses
         WHERE subject IN (?1, ?2, ?3) AND last_at > ?4 AND last_at < ?5",
        values![pair, address, account, after, before],
        |row| {
            let count = u32::try_from(row.integer(1)?).unwrap_or(u32::MAX);
            Ok((row.text(0)?, Wrong { count, last: row.timestamp(2)?, delayed: row.flag(3)? }))
        },
    )?;
    let of = |subject: &String| rows.iter().find(|(found, _)| found == subject).map(|(_, wrong)| *wrong);
    Ok(Tally { pair: of(pair), address: of(address), account: of(account) })
}

/// Counts a wrong guess at `now`; earlier ones that are forgotten no longer count.
pub fn count(tx: &mut Tx<'_>, subjects: &Subjects, now: Timestamp) -> Result<(), StoreError> {
    let Subjects { pair, address, account } = subjects;
    let (after, before) = remembered(now);
    tx.execute(
        "INSERT INTO wrong_guesses (subject, guesses, last_at, delayed)
         VALUES (?1, 1, ?4, 0), (?2, 1, ?4, 0), (?3, 1, ?4, 0)
         ON CONFLICT (subject) DO UPDATE SET
             guesses = CASE WHEN wrong_guesses.last_at > ?5 AND wrong_guesses.last_at < ?6
                 THEN wrong_guesses.guesses + 1 ELSE 1 END,
             delayed = CASE WHEN wrong_guesses.last_at > ?5 AND wrong_guesses.last_at < ?6
                 THEN wrong_guesses.delayed ELSE 0 END,
             last_at = CASE WHEN wrong_guesses.last_at > ?4 AND wrong_guesses.last_at < ?6
                 THEN wrong_guesses.last_at ELSE ?4 END",
        values![pair, address, account, now, after, before],
    )?;
    Ok(())
}

/// Records that a guess had to wait because of the guesses that count against `subject`.
pub fn mark_delayed(tx: &mut Tx<'_>, subject: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE wrong_guesses SET delayed = 1 WHERE subject = ?1", values![subject])?;
    Ok(())
}

/// Forgets the wrong guesses at an account from an address.
pub fn forget_pair(tx: &mut Tx<'_>, subjects: &Subjects) -> Result<(), StoreError> {
    tx.execute("DELETE FROM wrong_guesses WHERE subject = ?1", values![&subjects.pair])?;
    Ok(())
}

/// Deletes at most `limit` rows that are forgotten at `now`, or the oldest ones beyond `kept`. Returns their number.
pub fn prune(tx: &mut Tx<'_>, now: Timestamp, kept: i64, limit: i64) -> Result<usize, StoreError> {
    let (after, before) = remembered(now);
    let forgotten = tx.execute(
        "DELETE FROM wrong_guesses WHERE subject IN
             (SELECT subject FROM wrong_guesses WHERE last_at <= ?1 OR last_at >= ?2 LIMIT ?3)",
        values![after, before, limit],
    )?;
    let displaced = tx.execute(
        "DELETE FROM wrong_guesses WHERE subject IN
             (SELECT subject FROM wrong_guesses ORDER BY last_at DESC, subject LIMIT ?1 OFFSET ?2)",
        values![limit, kept],
    )?;
    Ok(forgotten + displaced)
}
