//! The envelope of all responses: `{"success": true, "data": …}`.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::{ObjectBuilder, schema::Type};

use crate::domain::RefusalCode;

/// The code of an internal error, which is not a refusal.
pub(super) const INTERNAL: &str = "INTERNAL";

/// The code of a response while the database cannot be used.
pub(super) const UNAVAILABLE: &str = "UNAVAILABLE";

const JSON: &str = "application/json";

/// Has room for what most responses are, in bytes.
const TYPICAL_LEN: usize = 640;

/// A successful response.
#[derive(Debug, Serialize, ToSchema)]
pub struct Success<T> {
    /// Always true.
    success: bool,
    data: T,
}

/// A refusal.
#[derive(Debug, Serialize, ToSchema)]
pub struct Failed {
    /// Always false.
    pub success: bool,
    pub error: Reason,
}

/// The reason for a refusal.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reason {
    #[schema(schema_with = code)]
    pub code: &'static str,
    /// The reason in words.
    pub message: String,
}

pub fn ok<T: Serialize>(data: T) -> Response {
    let mut body = Vec::with_capacity(TYPICAL_LEN);
    match serde_json::to_writer(&mut body, &Success { success: true, data }) {
        Ok(()) => ([(header::CONTENT_TYPE, JSON)], body).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot serialise a response");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

pub fn created<T: Serialize>(data: T) -> Response {
    (StatusCode::CREATED, ok(data)).into_response()
}

fn code() -> ObjectBuilder {
    let codes = RefusalCode::ALL.map(RefusalCode::as_str).into_iter().chain([INTERNAL, UNAVAILABLE]);
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(codes))
        .examples([RefusalCode::InvalidKey.as_str()])
}
