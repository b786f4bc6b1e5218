//! The operations of a table in the OpenAPI document: the declared ones with the table's columns as parameters and its
//! rows as responses.

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, Type};
use utoipa::openapi::{ContentBuilder, RefOr, Required};

use super::{change, insert, pattern, row};
use crate::api::request::integer;
use crate::domain::filter::Table;

pub(super) fn list(declared: Operation, table: &Table) -> Operation {
    let mut operation = of_table(declared, "list", table);
    operation.parameters = Some(list_parameters(table));
    operation
}

pub(super) fn insert(declared: Operation, table: &Table) -> Operation {
    with_body(of_table(declared, "insert", table), insert::schema())
}

pub(super) fn change(declared: Operation, table: &Table) -> Operation {
    let mut operation = with_body(of_table(declared, "change", table), change::schema());
    operation.parameters = Some(change_parameters(table));
    operation
}

/// The operation with an id and a successful response of its own.
fn of_table(mut operation: Operation, verb: &str, table: &Table) -> Operation {
    operation.operation_id = Some(format!("{verb}_{}", table.name));
    operation.parameters = None;
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with('2')
        {
            let content = ContentBuilder::new().schema(Some(row::rows(table))).build();
            response.content.insert("application/json".to_owned(), content.into());
        }
    }
    operation
}

fn with_body(mut operation: Operation, schema: Object) -> Operation {
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        body.content.insert("application/json".to_owned(), content.into());
    }
    operation
}

fn list_parameters(table: &Table) -> Vec<RefOr<Parameter>> {
    let number = || integer(0, i64::from(u32::MAX));
    let mut parameters: Vec<RefOr<Parameter>> = table
        .columns
        .iter()
        .map(|column| optional(column.name, "Filters rows by `op.value`.", text(pattern::filter(column))))
        .collect();
    parameters.extend([
        optional("select", "The returned columns: `name,created_at`.", text(pattern::select(table))),
        optional("order", "The columns to sort by: `created_at.desc,name`.", text(pattern::order(table))),
        optional("limit", "The maximum number of rows, 1000 by default and at most.", number()),
        optional("offset", "The number of rows to skip. The link to the next page does without.", number()),
        optional(
            "or",
            "A place in the order, behind which rows are listed, as in the link to the next page.",
            text(pattern::position(table)),
        ),
    ]);
    parameters
}

fn change_parameters(table: &Table) -> Vec<RefOr<Parameter>> {
    let id = text(r"^eq\.[^\u0000]+$".to_owned());
    vec![
        parameter("id", Required::True, "The key, as `eq.ID`.", id),
        optional("select", "The returned columns: `name,revoked`.", text(pattern::select(table))),
    ]
}

fn optional(name: &str, description: &str, schema: Schema) -> RefOr<Parameter> {
    parameter(name, Required::False, description, schema)
}

fn parameter(name: &str, required: Required, description: &str, schema: Schema) -> RefOr<Parameter> {
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(required)
        .description(Some(description))
        .schema(Some(schema))
        .build();
    RefOr::T(parameter)
}

fn text(pattern: String) -> Schema {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
}
