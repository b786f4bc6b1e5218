//! The envelope around every answer: `{"success": true, "data": …}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// A good answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Success<T> {
    /// Always true.
    success: bool,
    /// What was asked for.
    data: T,
}

/// A refusal.
#[derive(Debug, Serialize, ToSchema)]
pub struct Failed {
    /// Always false.
    pub success: bool,
    /// What is wrong.
    pub error: Reason,
}

/// What is wrong, for programs and for people.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reason {
    /// One of the documented codes.
    #[schema(example = "INVALID_KEY")]
    pub code: &'static str,
    /// The same in words.
    pub message: String,
}

/// 200 with `data`.
pub fn ok<T: Serialize>(data: T) -> Response {
    Json(Success { success: true, data }).into_response()
}

/// 201 with `data`: something was made.
pub fn created<T: Serialize>(data: T) -> Response {
    (StatusCode::CREATED, ok(data)).into_response()
}
