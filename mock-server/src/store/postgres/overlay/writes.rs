//! The changes of a batch in a few statements, whatever its size.

use std::collections::BTreeSet;

use futures::future::join;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Statement};

use super::super::cause::is_lost;
use super::super::prepared::Prepared;
use super::facts::Facts;
use crate::store::Value;
use crate::values;

/// Counters in rows of their own. An update finds only rows that still have what the new values rest on: nobody else may
/// write between the lock and the commit.
const COUNT_USES: Kind = Kind::Counters {
    update: "UPDATE auth_keys k SET used_count = c.used_count",
    columns: "id, used_before, used_count",
    condition: "k.id = c.id AND k.used_count = c.used_before AND k.revoked = 0",
};
const TAKE_ADDRESSES: Kind = Kind::Counters {
    update: "UPDATE address_pools p SET next_offset = c.next_offset, machines = c.machines",
    columns: "org_id, offset_before, next_offset, machines_before, machines",
    condition: "p.org_id = c.org_id AND p.next_offset = c.offset_before AND p.machines = c.machines_before",
};
const ADVANCE_MAPS: Kind = Kind::Counters {
    update: "UPDATE network_maps m SET version = c.version",
    columns: "org_id, version_before, version",
    condition: "m.org_id = c.org_id AND m.version = c.version_before",
};

/// Why a batch was not committed.
pub(in crate::store::postgres) enum CommitError {
    /// A deferred statement failed, and with it the transaction.
    Deferred(Error),
    Refused(Error),
    /// The connection was lost before the answer to the commit.
    Uncertain,
}

impl CommitError {
    /// What the failure of a commit means.
    pub(in crate::store::postgres) fn of(error: Error) -> Self {
        if is_lost(&error) { Self::Uncertain } else { Self::Refused(error) }
    }
}

/// Rows that one statement changes, whatever their number.
#[derive(Default)]
pub(super) struct Changes(Vec<Rows>);

struct Rows {
    kind: Kind,
    /// The values by column.
    columns: Vec<Vec<Value<'static>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// A statement that inserts one row.
    Insert(&'static str),
    /// The first of the columns is a text, the others are numbers.
    Counters { update: &'static str, columns: &'static str, condition: &'static str },
}

/// The organisations whose map changed, and the channel on which other replicas hear of it.
#[derive(Clone, Copy)]
pub(in crate::store::postgres) struct Notices<'a> {
    pub(in crate::store::postgres) channel: &'a str,
    pub(in crate::store::postgres) org_ids: &'a BTreeSet<String>,
}

impl Notices<'_> {
    /// The statements that notify once their transaction is committed.
    pub(in crate::store::postgres) fn statements(self) -> String {
        let quoted = self.org_ids.iter().map(|org_id| org_id.replace('\'', "''"));
        quoted.map(|org_id| format!("NOTIFY {}, '{org_id}'; ", self.channel)).collect()
    }
}

impl Changes {
    pub(super) fn insert(&mut self, sql: &'static str, values: &[Value<'_>]) {
        self.push(Kind::Insert(sql), values);
    }

    fn push(&mut self, kind: Kind, values: &[Value<'_>]) {
        let place = self.0.iter().position(|rows| rows.kind == kind).unwrap_or_else(|| {
            self.0.push(Rows { kind, columns: vec![Vec::new(); values.len()] });
            self.0.len() - 1
        });
        for (column, value) in self.0[place].columns.iter_mut().zip(values) {
            column.push(value.clone().into_owned());
        }
    }

    /// Puts what was counted before these changes: rows that others refer to are locked only once.
    pub(super) fn after(self, facts: &Facts) -> Self {
        let mut all = Self::default();
        for key in facts.keys.values().flatten() {
            let (id, used) = (&key.found.key.id, key.found.key.used_count);
            if used != key.used_before {
                all.push(COUNT_USES, values![id, key.used_before, used]);
            }
        }
        for (org_id, organisation) in &facts.organisations {
            let (offset, machines) = (organisation.next_offset, organisation.machines);
            if machines.now != machines.before {
                let values = values![org_id, offset.before, offset.now, machines.before, machines.now];
                all.push(TAKE_ADDRESSES, values);
            }
            let version = organisation.map_version;
            if version.now != version.before {
                all.push(ADVANCE_MAPS, values![org_id, version.before, version.now]);
            }
        }
        all.0.extend(self.0);
        all
    }

    pub(super) async fn send(&self, client: &Client, prepared: &mut Prepared) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let statement = self.prepare(client, prepared, None).await?;
        client.execute(&statement, &self.values(None)).await.map(drop)
    }

    /// Sends the changes, the notices and COMMIT, without waiting in between: if the changes fail, the commit becomes a
    /// rollback.
    pub(super) async fn commit(
        &self,
        client: &Client,
        prepared: &mut Prepared,
        notices: Notices<'_>,
    ) -> Result<(), CommitError> {
        if self.0.is_empty() {
            return client.batch_execute("COMMIT").await.map_err(CommitError::of);
        }
        let statement =
            self.prepare(client, prepared, Some(notices.channel)).await.map_err(CommitError::Deferred)?;
        let org_ids: Vec<&str> = notices.org_ids.iter().map(String::as_str).collect();
        let values = self.values(Some(&org_ids));
        let (done, committed) =
            join(client.execute(&statement, &values), client.batch_execute("COMMIT")).await;
        match done.err().filter(|error| !is_lost(error)) {
            Some(error) => Err(CommitError::Deferred(error)),
            None => committed.map_err(CommitError::of),
        }
    }

    fn values<'a>(&'a self, org_ids: Option<&'a Vec<&'a str>>) -> Vec<&'a (dyn ToSql + Sync)> {
        let columns = self.0.iter().flat_map(|rows| &rows.columns).map(|column| column as _);
        columns.chain(org_ids.map(|org_ids| org_ids as _)).collect()
    }

    /// Prepares a statement for these kinds of rows, with a list for each column. It fails, by a division by zero, unless
    /// it found the row of each counter. With a channel, it ends with a list of what to notify of there.
    async fn prepare(
        &self,
        client: &Client,
        prepared: &mut Prepared,
        channel: Option<&str>,
    ) -> Result<Statement, Error> {
        let mut lists = Lists(0);
        let (mut parts, mut found) = (String::new(), "true".to_owned());
        for (number, rows) in self.0.iter().enumerate() {
            let part = match rows.kind {
                Kind::Insert(sql) => {
                    let one = prepared.get(client, sql).await?;
                    let (insert, _) = sql.split_once("VALUES").unwrap_or((sql, ""));
                    format!(
                        "{insert} SELECT * FROM unnest({})",
                        lists.of(one.params().iter().map(Type::name))
                    )
                }
                Kind::Counters { update, columns, condition } => {
                    let first = lists.0 + 1;
                    let types = ["text"].into_iter().chain(columns.matches(',').map(|_| "bigint"));
                    let lists = lists.of(types);
                    found.push_str(&format!(" AND (SELECT count(*) FROM p{number}) = cardinality(${first})"));
                    format!("{update} FROM unnest({lists}) AS c({columns}) WHERE {condition} RETURNING 1")
                }
            };
            let separator = if number == 0 { "WITH" } else { "," };
            parts.push_str(&format!("{separator} p{number} AS ({part})"));
        }
        let told = channel.map_or_else(String::new, |channel| {
            let org_ids = lists.of(["text"].into_iter());
            format!(", (SELECT count(pg_notify('{channel}', o)) FROM unnest({org_ids}) o)")
        });
        prepared.get(client, &format!("{parts} SELECT 1 / ({found})::int{told}")).await
    }
}

/// Numbers placeholders.
struct Lists(usize);

impl Lists {
    /// Returns a placeholder for a list of each type.
    fn of<'t>(&mut self, types: impl Iterator<Item = &'t str>) -> String {
        let list = |kind| {
            self.0 += 1;
            format!("${}::{kind}[]", self.0)
        };
        types.map(list).collect::<Vec<_>>().join(", ")
    }
}
