//! What a row looks like in the OpenAPI document: read off the same lists of columns that queries are held to.

use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Array, Schema};

use crate::domain::filter::{Column, Kind, TABLES, Table};

/// Rows in their envelope.
#[derive(ToSchema)]
pub struct Rows {
    /// Always true.
    pub success: bool,
    /// Rows of the table asked for, in the columns selected.
    #[schema(schema_with = rows)]
    pub data: Vec<Map<String, Value>>,
}

fn rows() -> Array {
    let any = TABLES.iter().fold(OneOfBuilder::new(), |any, table| any.item(row(table)));
    ArrayBuilder::new().items(any).build()
}

fn row(table: &Table) -> Schema {
    let object = ObjectBuilder::new().title(Some(table.name));
    table.columns.iter().fold(object, |object, column| object.property(column.name, value(column))).into()
}

fn value(column: &Column) -> Schema {
    let nullable = |kind| SchemaType::from_iter([kind, Type::Null]);
    match column.kind {
        Kind::Text => ObjectBuilder::new().schema_type(nullable(Type::String)).into(),
        Kind::Integer => ObjectBuilder::new().schema_type(Type::Integer).into(),
        Kind::Boolean => ObjectBuilder::new().schema_type(Type::Boolean).into(),
        Kind::Time => ObjectBuilder::new()
            .schema_type(nullable(Type::String))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into(),
        Kind::List => ArrayBuilder::new()
            .schema_type(nullable(Type::Array))
            .items(ObjectBuilder::new().schema_type(Type::String))
            .into(),
        Kind::Json => ObjectBuilder::new().into(),
    }
}
