//! The schemas of rows, derived from the same columns as queries.

use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, Object, ObjectBuilder, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{RefOr, Schema};

use crate::domain::filter::{Column, Kind, Table};

/// Rows in their envelope. The OpenAPI document has one schema for each table instead.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only used for its schema")]
pub(super) struct Rows {
    /// Always true.
    success: bool,
    data: Vec<Map<String, Value>>,
}

/// The schema of a response with rows of `table` in the selected columns.
pub(super) fn rows(table: &Table) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property(
            "success",
            ObjectBuilder::new().schema_type(Type::Boolean).description(Some("Always true.")),
        )
        .property("data", ArrayBuilder::new().items(RefOr::T(row(table))))
        .required("success")
        .required("data")
        .build()
}

fn row(table: &Table) -> Schema {
    let object = ObjectBuilder::new().title(Some(table.name)).schema_type(Type::Object);
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
        Kind::Json => ObjectBuilder::new().schema_type(SchemaType::AnyValue).into(),
    }
}
