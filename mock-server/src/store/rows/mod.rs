//! Rows for the CRUD endpoints: any exposed column and filter, restricted to given organisations.
//!
//! Column and table names come from the allow-list in `domain::filter` only; everything from the client is bound.

mod statement;

use serde_json::{Map, Value as Json};

use super::{Row, StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::filter::{Column, Kind, LastRow, Query, Scalar, Table};
use statement::Statement;

/// Rows of a query, and whether there are more.
#[derive(Debug, Default)]
pub struct Page {
    /// Each row is an object of the selected columns.
    pub rows: Vec<Map<String, Json>>,
    /// Whether the query has more rows behind these.
    pub more: bool,
    /// The last of the rows, if the query's order tells its place.
    pub last: Option<LastRow>,
}

/// Runs the query within these organisations; each row is an object of the selected columns.
pub fn select(
    tx: &mut Tx<'_>,
    query: &Query,
    organisations: &[String],
    now: Timestamp,
) -> Result<Vec<Map<String, Json>>, StoreError> {
    Ok(page(tx, query, organisations, now)?.rows)
}

/// As [`select`], and looks for further rows.
pub fn page(
    tx: &mut Tx<'_>,
    query: &Query,
    organisations: &[String],
    now: Timestamp,
) -> Result<Page, StoreError> {
    if organisations.is_empty() || query.limit == 0 {
        return Ok(Page::default());
    }
    let (key, selected) = (query.key(), query.select.len());
    let statement =
        Statement::select(query, key, query.limit.saturating_add(1), organisations, now, tx.is_postgres());
    let (mut read, mut last) = (0, None);
    let mut rows: Vec<Map<String, Json>> = tx.all_once(&statement.text, &statement.values, |row| {
        read += 1;
        if let Some(key) = key.filter(|_| read == query.limit) {
            last = Some(LastRow { value: scalar(row, selected, key.column)?, id: row.text(selected + 1)? });
        }
        let fields = query.select.iter().enumerate();
        fields.map(|(at, column)| Ok((column.name.to_owned(), field(row, at, column)?))).collect()
    })?;
    let more = read > query.limit;
    if more {
        rows.pop();
    }
    Ok(Page { rows, more, last })
}

/// Renames a row of `table`, revokes it, or both.
pub fn update(
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

/// Reads the value of a column by which rows are listed.
fn scalar(row: &Row<'_>, at: usize, column: &Column) -> Result<Scalar, StoreError> {
    Ok(match column.kind {
        Kind::Time => Scalar::Time(row.timestamp(at)?),
        Kind::Integer => Scalar::Integer(row.integer(at)?),
        Kind::Boolean => Scalar::Boolean(row.flag(at)?),
        Kind::Text | Kind::List | Kind::Json => Scalar::Text(row.text(at)?),
    })
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

    fn run(query: Query) -> Result<Vec<Map<String, Json>>, StoreError> {
        let now = Timestamp::from_millis(1);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let store = Store::open(&Location::Memory).expect("a store");
        // Some mistakes only show when there is a row.
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
                api_key_id: None,
            };
            auth_keys::insert(tx, &row, now)?;
            select(tx, &query, &["o".to_owned()], now)
        });
        runtime.block_on(read)
    }

    #[test]
    fn every_exposed_column_exists() {
        for table in TABLES {
            for column in table.columns {
                let pairs = [("order", column.name), (column.name, "is.null"), ("id", "eq.nobody")];
                let rows = run(Query::parse(table, pairs).expect("sound")).expect("rows");
                assert!(rows.is_empty(), "{column:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn negated_conditions_match_other_rows(conditions in prop::collection::vec(any_condition(), 1..6)) {
            for condition in conditions {
                let mut query = Query::row(&AUTH_KEYS, "k");
                query.conditions = vec![Condition { negated: !condition.negated, ..condition.clone() }];
                let without = run(query.clone()).map(|rows| rows.len());
                query.conditions = vec![condition];
                let with = run(query).map(|rows| rows.len());
                // With NULL in SQL, neither condition matches the row.
                prop_assert!(matches!((&with, &without), (Ok(0), Ok(0 | 1)) | (Ok(1), Ok(0))), "{with:?} {without:?}");
            }
        }
    }
}
