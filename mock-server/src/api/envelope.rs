//! The envelope of all responses: `{"success": true, "data": …}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::{ObjectBuilder, schema::Type};

use crate::domain::RefusalCode;

/// The code of an internal error, which is not a refusal.
pub(super) const INTERNAL: &str = "INTERNAL";

/// The code of a response while the database cannot be used.
pub(super) const UNAVAILABLE: &str = "UNAVAILABLE";

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
    Json(Success { success: true, data }).into_response()
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
