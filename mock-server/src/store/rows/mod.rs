//! Rows as the CRUD endpoints read them: any listed column, any filter, within the organisations given.
//!
//! Column and table names come from `domain::filter`'s allow-list alone; everything a client wrote is bound.

mod statement;

use serde_json::{Map, Value as Json};

use super::{Row, StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::filter::{Column, Kind, Query, Table};
use statement::Statement;

/// The rows of these organisations that the query asks for, each an object of the columns it selects.
pub fn select(
    tx: &mut Tx<'_>,
    query: &Query,
    organisations: &[String],
    now: Timestamp,
) -> Result<Vec<Map<String, Json>>, StoreError> {
    if organisations.is_empty() {
        return Ok(Vec::new());
    }
    let statement = Statement::select(query, organisations, now);
    tx.all(&statement.text, &statement.values, |row| {
        let fields = query.select.iter().enumerate();
        fields.map(|(at, column)| Ok((column.name.to_owned(), field(row, at, column)?))).collect()
    })
}

/// Gives a row of `table` another name, revokes it, or both; what is `None` or `false` stays as it is.
pub fn change(
    tx: &mut Tx<'_>,
    table: &Table,
    id: &str,
    name: Option<&str>,
    revoke: bool,
) -> Result<(), StoreError> {
    let statement = format!(
        "UPDATE {} SET name = COALESCE(?2, name), revoked = CASE WHEN ?3 = 1 THEN 1 ELSE revoked END WHERE id = ?1",
        table.name
    );
    tx.execute(&statement, crate::values![id, name, revoke])?;
    Ok(())
}

fn field(row: &Row<'_>, at: usize, column: &Column) -> Result<Json, StoreError> {
    Ok(match column.kind {
        Kind::Text => row.optional_text(at)?.into(),
        Kind::Integer => row.optional_integer(at)?.into(),
        Kind::Boolean => row.optional_integer(at)?.map(|flag| flag != 0).into(),
        Kind::Time => {
            row.optional_integer(at)?.map(|millis| Timestamp::from_millis(millis).to_string()).into()
        }
        Kind::List | Kind::Json => row.json(at)?.unwrap_or(Json::Null),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::filter::tests::any_condition;
    use crate::domain::filter::{AUTH_KEYS, Condition, TABLES};
    use crate::store::auth_keys::{self, NewAuthKey};
    use crate::store::{Location, Store, organisations};

    fn run(query: Query) -> Result<Vec<Map<String, Json>>, String> {
        let now = Timestamp::from_millis(1);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let store = Store::open(&Location::Memory).expect("a store");
        // Some mistakes show only when there is a row to look at.
        let read = store.write(move |tx| {
            organisations::insert(tx, "o", "O", 1, now)?;
            let row = NewAuthKey {
                id: "k",
                org_id: "o",
                name: "a key",
                key_hash: "h",
                key_prefix: "p",
                reusable: true,
                ephemeral: false,
                expires_at: now,
                allowed_tags: Some(&[]),
                allowed_cidrs: None,
                tags: None,
                description: None,
                created_by: "u",
            };
            auth_keys::insert(tx, &row, now)?;
            select(tx, &query, &["o".to_owned()], now)
        });
        runtime.block_on(read).map_err(|error| error.to_string())
    }

    #[test]
    fn every_listed_column_exists() {
        for table in TABLES {
            for column in table.columns {
                let pairs = [("order", column.name), (column.name, "is.null"), ("id", "eq.nobody")];
                assert_eq!(run(Query::parse(table, pairs).expect("sound")), Ok(vec![]), "{column:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn whatever_can_be_read_can_be_run_and_its_contrary_finds_other_rows(conditions in prop::collection::vec(any_condition(), 1..6)) {
            for condition in conditions {
                let mut query = Query::row(&AUTH_KEYS, "k");
                query.conditions = vec![Condition { negated: !condition.negated, ..condition.clone() }];
                let without = run(query.clone()).map(|rows| rows.len());
                query.conditions = vec![condition];
                let with = run(query).map(|rows| rows.len());
                // SQL knows a third answer, for what is absent: then neither finds the row.
                prop_assert!(matches!((&with, &without), (Ok(0), Ok(0 | 1)) | (Ok(1), Ok(0))), "{with:?} {without:?}");
            }
        }
    }
}
