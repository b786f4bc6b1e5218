//! The tables `users` and `memberships`.

use super::{StoreError, Tx};
use crate::domain::{Role, Timestamp};
use crate::values;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    pub org_id: String,
    pub org_name: String,
    pub role: Role,
}

/// Returns the user's memberships, sorted by the organisations' names.
pub fn memberships(tx: &mut Tx<'_>, user_id: &str) -> Result<Vec<Membership>, StoreError> {
    tx.all(
        "SELECT o.id, o.name, m.role FROM memberships m JOIN organisations o ON o.id = m.org_id
         WHERE m.user_id = ?1 ORDER BY o.name, o.id",
        values![user_id],
        |row| {
            Ok(Membership { org_id: row.text(0)?, org_name: row.text(1)?, role: parse_role(row.text(2)?)? })
        },
    )
}

pub fn role(tx: &mut Tx<'_>, user_id: &str, org_id: &str) -> Result<Option<Role>, StoreError> {
    tx.optional(
        "SELECT role FROM memberships WHERE user_id = ?1 AND org_id = ?2",
        values![user_id, org_id],
        |row| parse_role(row.text(0)?),
    )
}

pub fn id_by_email(tx: &mut Tx<'_>, email: &str) -> Result<Option<String>, StoreError> {
    tx.optional("SELECT id FROM users WHERE email = ?1", values![email.to_lowercase()], |row| row.text(0))
}

/// The stored credentials that a login is checked against.
pub struct Credentials {
    pub id: String,
    /// In lower case.
    pub email: String,
    /// A PHC string.
    pub password_hash: String,
}

pub fn credentials(tx: &mut Tx<'_>, email: &str) -> Result<Option<Credentials>, StoreError> {
    tx.optional(
        "SELECT id, email, password_hash FROM users WHERE email = ?1",
        values![email.to_lowercase()],
        |row| Ok(Credentials { id: row.text(0)?, email: row.text(1)?, password_hash: row.text(2)? }),
    )
}

pub fn email(tx: &mut Tx<'_>, id: &str) -> Result<Option<String>, StoreError> {
    tx.optional("SELECT email FROM users WHERE id = ?1", values![id], |row| row.text(0))
}

/// Inserts a user; `password_hash` is a PHC string.
pub fn insert(
    tx: &mut Tx<'_>,
    id: &str,
    email: &str,
    name: &str,
    password_hash: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO users (id, email, name, password_hash, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        values![id, email.to_lowercase(), name, password_hash, now],
    )?;
    Ok(())
}

pub fn add_membership(tx: &mut Tx<'_>, user_id: &str, org_id: &str, role: Role) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO memberships (user_id, org_id, role) VALUES (?1, ?2, ?3)",
        values![user_id, org_id, role.as_str()],
    )?;
    Ok(())
}

fn parse_role(role: String) -> Result<Role, StoreError> {
    Role::parse(&role).ok_or(StoreError::Corrupt { column: "memberships.role".to_owned(), reason: role })
}
