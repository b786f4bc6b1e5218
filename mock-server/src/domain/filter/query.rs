//! A query for rows of a table, and what it may cost.

use super::condition::{Comparison, Condition, Test};
use super::error::{FilterError, MAX_CONDITIONS, MAX_SEARCHES, MAX_VALUES, excerpt};
use super::order::{self, Order};
use super::position::Position;
use super::table::{Column, Table};
use super::value::Scalar;

/// The maximum and default number of rows in one response.
pub const MAX_ROWS: u32 = 1000;

/// A parsed and validated query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub table: &'static Table,
    /// Conditions that a row must all meet.
    pub conditions: Vec<Condition>,
    /// The place behind which a row must be.
    pub after: Option<Position>,
    pub select: Vec<&'static Column>,
    pub order: Vec<Order>,
    /// Never above [`MAX_ROWS`].
    pub limit: u32,
    pub offset: u32,
}

impl Query {
    /// Parses the decoded pairs of a query string.
    pub fn parse<'a>(
        table: &'static Table,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, FilterError> {
        let mut conditions = Conditions::default();
        let (mut select, mut order, mut limit, mut offset, mut after) = (None, None, None, None, None);
        for (name, value) in pairs {
            match name {
                "select" => set_once("select", &mut select, order::parse_select(table, value)?)?,
                "order" => set_once("order", &mut order, order::parse_order(table, value)?)?,
                "limit" => set_once("limit", &mut limit, parse_number("limit", value)?)?,
                "offset" => set_once("offset", &mut offset, parse_number("offset", value)?)?,
                "or" => set_once("or", &mut after, Position::parse(table, value)?)?,
                column => {
                    conditions.add(Condition::parse(table.column(column)?, value)?)?;
                }
            }
        }
        Ok(Self {
            table,
            conditions: conditions.parsed,
            after,
            select: select.unwrap_or_else(|| table.columns.iter().collect()),
            order: order.unwrap_or_default(),
            limit: limit.unwrap_or(MAX_ROWS).min(MAX_ROWS),
            offset: offset.unwrap_or(0),
        })
    }

    /// Returns the query for all columns of the row with this id.
    #[must_use]
    pub fn row(table: &'static Table, id: &str) -> Self {
        let conditions = table.columns.iter().filter(|column| column.name == "id").map(|column| Condition {
            column,
            negated: false,
            test: Test::Compare(Comparison::Eq, Scalar::Text(id.to_owned())),
        });
        Self {
            table,
            conditions: conditions.collect(),
            after: None,
            select: table.columns.iter().collect(),
            order: Vec::new(),
            limit: 1,
            offset: 0,
        }
    }

    /// The values that a text column must equal: those of every `eq` and `in` that is not negated.
    #[must_use]
    pub fn equals(&self, column: &str) -> Vec<&str> {
        self.conditions
            .iter()
            .filter(|condition| condition.column.name == column && !condition.negated)
            .flat_map(|condition| match &condition.test {
                Test::Compare(Comparison::Eq, Scalar::Text(text)) => vec![text.as_str()],
                Test::In(values) => values.iter().filter_map(Scalar::as_text).collect(),
                _ => Vec::new(),
            })
            .collect()
    }
}

/// The conditions of a query, and what they cost.
#[derive(Default)]
struct Conditions {
    parsed: Vec<Condition>,
    values: usize,
    searches: usize,
}

impl Conditions {
    fn add(&mut self, condition: Condition) -> Result<(), FilterError> {
        self.values += condition.values();
        self.searches += usize::from(condition.searches());
        if self.parsed.len() >= MAX_CONDITIONS {
            return Err(FilterError::TooManyConditions);
        }
        if self.values > MAX_VALUES {
            return Err(FilterError::TooManyValues);
        }
        if self.searches > MAX_SEARCHES {
            return Err(FilterError::TooManySearches);
        }
        self.parsed.push(condition);
        Ok(())
    }
}

fn set_once<T>(parameter: &'static str, slot: &mut Option<T>, value: T) -> Result<(), FilterError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(FilterError::RepeatedParameter(parameter)),
    }
}

fn parse_number(parameter: &'static str, value: &str) -> Result<u32, FilterError> {
    value.parse().map_err(|_| FilterError::Parameter {
        parameter,
        expected: "a whole number from 0 to 4294967295",
        value: excerpt(value),
    })
}
