//! The allow-list of tables and columns that the CRUD endpoint exposes.

use super::error::{FilterError, comma_separated, excerpt};

/// The kind of a column decides its operators, its values and its form in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    /// Stored as 1 and 0.
    Boolean,
    /// RFC 3339 in JSON, stored as milliseconds since 1970.
    Time,
    /// A list of strings, stored as JSON.
    List,
    /// Arbitrary JSON, stored as text.
    Json,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// The name in both the URL and the database.
    pub name: &'static str,
    pub kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// The name in both the URL and the database.
    pub name: &'static str,
    /// Every table has `id`, `org_id` and `created_at`.
    pub columns: &'static [Column],
}

/// The auth keys of an organisation (`used-count/ST1.2`), without the hash (`headless/ST1.2`).
pub static AUTH_KEYS: Table = Table {
    name: "auth_keys",
    columns: &[
        text("id"),
        text("org_id"),
        text("name"),
        text("key_prefix"),
        boolean("reusable"),
        boolean("ephemeral"),
        integer("used_count"),
        time("expires_at"),
        boolean("revoked"),
        list("allowed_tags"),
        list("allowed_cidrs"),
        list("tags"),
        text("description"),
        text("created_by"),
        time("created_at"),
    ],
};

/// The API keys of an organisation (`api-key/ST3.1`), without the hash (`api-key/F.5`).
pub static API_KEYS: Table = Table {
    name: "api_keys",
    columns: &[
        text("id"),
        text("org_id"),
        text("name"),
        text("key_prefix"),
        list("scopes"),
        integer("rate_limit_rpm"),
        integer("usage_count"),
        time("expires_at"),
        boolean("revoked"),
        time("last_used_at"),
        text("created_by"),
        time("created_at"),
    ],
};

pub static MACHINES: Table = Table {
    name: "machines",
    columns: &[
        text("id"),
        text("org_id"),
        text("name"),
        text("tailnet_ip"),
        text("status"),
        list("tags"),
        boolean("ephemeral"),
        text("public_key"),
        text("auth_key_id"),
        text("os"),
        text("version"),
        time("created_at"),
        time("last_seen"),
    ],
};

pub static AUDIT_LOGS: Table = Table {
    name: "audit_logs",
    columns: &[
        text("id"),
        text("org_id"),
        text("actor"),
        text("action"),
        text("target"),
        Column { name: "details", kind: Kind::Json },
        time("created_at"),
    ],
};

pub static TABLES: [&Table; 4] = [&AUTH_KEYS, &API_KEYS, &MACHINES, &AUDIT_LOGS];

impl Column {
    /// Whether rows are listed by this column page by page: its values are never null, and few rows share one.
    #[must_use]
    pub fn is_key(&self) -> bool {
        ["created_at", "id", "name"].contains(&self.name)
    }
}

impl Table {
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TABLES.into_iter().find(|table| table.name == name)
    }

    /// # Errors
    /// [`FilterError::UnknownColumn`], which lists the valid columns.
    pub fn column(&self, name: &str) -> Result<&'static Column, FilterError> {
        self.columns.iter().find(|column| column.name == name).ok_or_else(|| FilterError::UnknownColumn {
            table: self.name,
            column: excerpt(name),
            valid: comma_separated(self.columns.iter().map(|column| column.name)),
        })
    }
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text }
}

const fn integer(name: &'static str) -> Column {
    Column { name, kind: Kind::Integer }
}

const fn boolean(name: &'static str) -> Column {
    Column { name, kind: Kind::Boolean }
}

const fn time(name: &'static str) -> Column {
    Column { name, kind: Kind::Time }
}

const fn list(name: &'static str) -> Column {
    Column { name, kind: Kind::List }
}
