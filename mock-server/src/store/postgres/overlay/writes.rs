//! The changes of a batch in a few statements, whatever its size.

use futures::future::{join, join_all};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Statement};

use super::super::cause::is_lost;
use super::super::prepared::Prepared;
use super::facts::Facts;
use crate::store::Value;
use crate::values;

/// Each fails, by a division by zero, unless every row still has what its new values rest on: nobody else may write
/// between the lock and the commit.
const COUNT_USES: &str = "WITH changed AS (
        UPDATE auth_keys k SET used_count = c.used_count
        FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS c(id, used_before, used_count)
        WHERE k.id = c.id AND k.used_count = c.used_before AND k.revoked = 0 RETURNING 1)
    SELECT 1 / (count(*) = cardinality($1))::int FROM changed";
const TAKE_ADDRESSES: &str = "WITH changed AS (
        UPDATE address_pools p SET next_offset = c.next_offset, machines = c.machines
        FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
            AS c(org_id, offset_before, next_offset, machines_before, machines)
        WHERE p.org_id = c.org_id AND p.next_offset = c.offset_before AND p.machines = c.machines_before
        RETURNING 1)
    SELECT 1 / (count(*) = cardinality($1))::int FROM changed";
const ADVANCE_MAPS: &str = "WITH changed AS (
        UPDATE network_maps m SET version = c.version
        FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS c(org_id, version_before, version)
        WHERE m.org_id = c.org_id AND m.version = c.version_before RETURNING 1)
    SELECT 1 / (count(*) = cardinality($1))::int FROM changed";

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

/// Statements that run once each, with the values of many rows.
#[derive(Default)]
pub(super) struct Changes(Vec<Rows>);

/// A statement, which is an INSERT of one row or takes a list for each placeholder, and its values by placeholder.
struct Rows {
    sql: &'static str,
    columns: Vec<Vec<Value<'static>>>,
}

impl Changes {
    pub(super) fn push(&mut self, sql: &'static str, values: &[Value<'_>]) {
        let place = self.0.iter().position(|rows| rows.sql == sql).unwrap_or_else(|| {
            self.0.push(Rows { sql, columns: vec![Vec::new(); values.len()] });
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
        let statements = self.prepare(client, prepared).await?;
        join_all(self.running(client, &statements)).await.into_iter().collect()
    }

    /// Sends the changes and `end`, which ends with COMMIT, without waiting in between: if a statement fails, the
    /// commit becomes a rollback.
    pub(super) async fn commit(
        &self,
        client: &Client,
        prepared: &mut Prepared,
        end: &str,
    ) -> Result<(), CommitError> {
        let statements = self.prepare(client, prepared).await.map_err(CommitError::Deferred)?;
        let running = join_all(self.running(client, &statements));
        let (done, committed) = join(running, client.batch_execute(end)).await;
        let failed = done.into_iter().find_map(Result::err).filter(|error| !is_lost(error));
        match (failed, committed) {
            (Some(error), _) => Err(CommitError::Deferred(error)),
            (None, committed) => committed.map_err(CommitError::of),
        }
    }

    async fn prepare(&self, client: &Client, prepared: &mut Prepared) -> Result<Vec<Statement>, Error> {
        let mut statements = Vec::new();
        for rows in &self.0 {
            let statement = prepared.get(client, rows.sql).await?;
            statements.push(match of_many_rows(rows.sql, &statement) {
                Some(sql) => prepared.get(client, &sql).await?,
                None => statement,
            });
        }
        Ok(statements)
    }

    fn running(
        &self,
        client: &Client,
        statements: &[Statement],
    ) -> Vec<impl Future<Output = Result<(), Error>>> {
        let run = async |(rows, statement): (&Rows, &Statement)| {
            let columns: Vec<&(dyn ToSql + Sync)> = rows.columns.iter().map(|column| column as _).collect();
            client.execute(statement, &columns).await.map(drop)
        };
        self.0.iter().zip(statements).map(run).collect()
    }
}

/// Turns an INSERT of one row into one of many, whose placeholders are lists.
fn of_many_rows(sql: &str, statement: &Statement) -> Option<String> {
    let (insert, _) = sql.split_once("VALUES").filter(|(insert, _)| insert.starts_with("INSERT"))?;
    let list = |(number, kind): (usize, &Type)| format!("${number}::{}[]", kind.name());
    let lists: Vec<String> = (1..).zip(statement.params()).map(list).collect();
    Some(format!("{insert}SELECT * FROM unnest({})", lists.join(", ")))
}
