//! Regular expressions of query parameters, derived from the same columns as queries.

use crate::domain::filter::{Column, Kind, Table};

/// Any text without NUL.
const ANY: &str = r"[^\u0000]*";

/// A value without an operator: its part before the first dot, if there is one, does not look like an operator.
const BARE_TEXT: &str = r"[^.\u0000]*|[a-z]*[^a-z.(\u0000][^.\u0000]*\.[^\u0000]*|[(.][^\u0000]*";

/// A pattern with at most eight wildcards, below the maximum length.
const SEARCH: &str = r"([^%*\u0000]{0,27}[%*]){0,8}[^%*\u0000]{0,27}";

/// A list `(a,"b")` of texts.
const TEXT_LIST: &str = concat!(
    r#"\(("([^"\\\u0000]|\\[^\u0000])*"|[^"(),\u0000][^(),\u0000]*)"#,
    r#"(,("([^"\\\u0000]|\\[^\u0000])*"|[^"(),\u0000][^(),\u0000]*)?)*\)"#
);

const INTEGER: &str = "-?[0-9]{1,18}";
const BOOLEAN: &str = "(true|false)";
const TIME: &str = concat!(
    "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])",
    r"(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?Z)?"
);

/// The values of a column's filter.
pub(super) fn filter(column: &Column) -> String {
    const ORDERED: &str = "eq|neq|gt|gte|lt|lte";
    match column.kind {
        Kind::Text => {
            format!(r"^({BARE_TEXT}|(not\.)?(({ORDERED})\.{ANY}|i?like\.{SEARCH}|in\.{TEXT_LIST}|is\.null))$")
        }
        Kind::Integer => comparable(INTEGER, ORDERED, "null"),
        Kind::Time => comparable(TIME, ORDERED, "null"),
        Kind::Boolean => comparable(BOOLEAN, "eq|neq", "(null|true|false)"),
        Kind::List => r"^(not\.)?(cs\.\{[A-Za-z0-9_.-]+(,[A-Za-z0-9_.-]+){0,15}\}|is\.null)$".to_owned(),
        Kind::Json => r"^(not\.)?is\.null$".to_owned(),
    }
}

/// The values of `select`.
pub(super) fn select(table: &Table) -> String {
    let columns = names(table);
    format!(r"^(\*|{columns})(,(\*|{columns})){{0,31}}$")
}

/// The values of `order`.
pub(super) fn order(table: &Table) -> String {
    let term = format!(r"({})(\.(asc|desc))?(\.(nullsfirst|nullslast))?", names(table));
    format!("^{term}(,{term}){{0,31}}$")
}

/// The values of `or`.
pub(super) fn position(table: &Table) -> String {
    let of_column = |column: &Column| {
        let (name, value) = (column.name, if column.kind == Kind::Time { TIME } else { r#"[^"\\\u0000]*"# });
        format!(r#"{name}\.(gt|lt)\."{value}",and\({name}\.eq\."{value}",id\.(gt|lt)\."[^"\\\u0000]*"\)"#)
    };
    let columns: Vec<String> = table.columns.iter().filter(|column| column.is_key()).map(of_column).collect();
    format!(r"^\(({})\)$", columns.join("|"))
}

fn comparable(value: &str, operators: &str, is: &str) -> String {
    format!(r"^({value}|(not\.)?(({operators})\.{value}|in\.\(({value}(,{value})*)?\)|is\.{is}))$")
}

fn names(table: &Table) -> String {
    table.columns.iter().map(|column| column.name).collect::<Vec<_>>().join("|")
}
