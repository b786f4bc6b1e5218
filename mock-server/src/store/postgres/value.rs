//! Values and columns in the types that PostgreSQL gives to placeholders and expressions.

use std::borrow::Cow;
use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::Row;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::store::{StoreError, Value};

/// Stands for the character that PostgreSQL's texts cannot hold. No validated field has either.
const INSTEAD_OF_NUL: &str = "\u{fffd}";

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            // A placeholder that is compared with a literal has the literal's type.
            Value::Integer(number) if *ty == Type::INT4 => i32::try_from(*number)?.to_sql(ty, out),
            Value::Integer(number) if *ty == Type::BOOL => (*number != 0).to_sql(ty, out),
            Value::Integer(number) => number.to_sql(ty, out),
            Value::Text(text) if text.contains('\0') => text.replace('\0', INSTEAD_OF_NUL).to_sql(ty, out),
            Value::Text(text) => Cow::Borrowed(text.as_ref()).to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

pub(in crate::store) fn text(row: &Row, column: usize) -> Result<String, StoreError> {
    Ok(row.try_get(column)?)
}

pub(in crate::store) fn optional_text(row: &Row, column: usize) -> Result<Option<String>, StoreError> {
    Ok(row.try_get(column)?)
}

pub(in crate::store) fn integer(row: &Row, column: usize) -> Result<i64, StoreError> {
    optional_integer(row, column)?.ok_or_else(|| StoreError::Corrupt {
        column: column.to_string(),
        reason: "unexpected NULL".to_owned(),
    })
}

/// Reads a number, or a truth value as 0 or 1.
pub(in crate::store) fn optional_integer(row: &Row, column: usize) -> Result<Option<i64>, StoreError> {
    let kind = row.columns().get(column).map(tokio_postgres::Column::type_);
    Ok(match kind {
        Some(kind) if *kind == Type::BOOL => row.try_get::<_, Option<bool>>(column)?.map(i64::from),
        Some(kind) if *kind == Type::INT4 => row.try_get::<_, Option<i32>>(column)?.map(i64::from),
        _ => row.try_get(column)?,
    })
}
