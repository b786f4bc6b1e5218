//! `select` and `order`: the columns of the result and the order of its rows.

use super::{Column, FilterError, MAX_COLUMNS, Table, excerpt};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    pub column: &'static Column,
    pub descending: bool,
    /// Whether NULL sorts first; by default it does in descending order only.
    pub nulls_first: bool,
}

/// Parses `a,b` or `*`.
pub(super) fn parse_select(table: &Table, text: &str) -> Result<Vec<&'static Column>, FilterError> {
    limit_columns("select", text)?;
    let mut chosen: Vec<&'static Column> = Vec::new();
    for name in text.split(',').map(str::trim) {
        if name == "*" {
            chosen.extend(table.columns);
        } else {
            chosen.push(table.column(name)?);
        }
    }
    let mut seen = Vec::new();
    chosen.retain(|column| {
        !seen.contains(&column.name) && {
            seen.push(column.name);
            true
        }
    });
    Ok(chosen)
}

/// Parses `a.desc,b`, each column with an optional `.nullsfirst` or `.nullslast`.
pub(super) fn parse_order(table: &Table, text: &str) -> Result<Vec<Order>, FilterError> {
    limit_columns("order", text)?;
    let mut orders: Vec<Order> = Vec::new();
    for term in text.split(',').map(str::trim) {
        let mut words = term.split('.');
        let column = table.column(words.next().unwrap_or_default())?;
        let (mut descending, mut nulls_first) = (false, None);
        for word in words {
            match word {
                "asc" => descending = false,
                "desc" => descending = true,
                "nullsfirst" => nulls_first = Some(true),
                "nullslast" => nulls_first = Some(false),
                _ => {
                    return Err(FilterError::Parameter {
                        parameter: "order",
                        expected: "column, column.asc or column.desc, each with .nullsfirst or .nullslast",
                        value: excerpt(term),
                    });
                }
            }
        }
        if !orders.iter().any(|order| order.column.name == column.name) {
            orders.push(Order { column, descending, nulls_first: nulls_first.unwrap_or(descending) });
        }
    }
    Ok(orders)
}

fn limit_columns(parameter: &'static str, text: &str) -> Result<(), FilterError> {
    match text.split(',').nth(MAX_COLUMNS) {
        Some(_) => Err(FilterError::TooManyColumns(parameter)),
        None => Ok(()),
    }
}
