//! The one table from a refusal to its status; the code and the words are the refusal's own.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use super::envelope::{Failed, Reason};
use crate::control::Failure;
use crate::domain::Refusal;
use crate::store::StoreError;

/// How a handler fails.
#[derive(Debug)]
pub struct Error(Failure);

/// A refusal's code, beside the answer for the log to show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code(pub(super) &'static str);

/// The status that belongs to a refusal.
pub const fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::MissingField(_)
        | Refusal::InvalidInput(_)
        | Refusal::InvalidAction { .. }
        | Refusal::InvalidScopes { .. }
        | Refusal::InvalidFilter(_)
        | Refusal::InvalidJson(_) => StatusCode::BAD_REQUEST,
        Refusal::Unauthorized(_) | Refusal::InvalidCredentials | Refusal::InvalidKey | Refusal::KeyUsed => {
            StatusCode::UNAUTHORIZED
        }
        Refusal::Forbidden(_)
        | Refusal::InsufficientScope { .. }
        | Refusal::IpNotAllowed
        | Refusal::TagNotAllowed { .. }
        | Refusal::MachineLimitReached { .. }
        | Refusal::Quarantined => StatusCode::FORBIDDEN,
        Refusal::NotFound(_) => StatusCode::NOT_FOUND,
        Refusal::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Refusal::RegistrationConflict => StatusCode::CONFLICT,
        Refusal::PayloadTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
    }
}

/// The answer to a request that met a fault of this program; what it was is in the log only.
pub fn internal() -> Response {
    failed(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "The server failed; its log says why".to_owned())
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let refusal = match self.0 {
            Failure::Refused(refusal) => refusal,
            Failure::Store(error) => {
                tracing::error!(%error, "a request failed");
                return internal();
            }
        };
        let mut response = failed(status(&refusal), refusal.code(), refusal.message().into_owned());
        if let Refusal::RateLimited { retry_after_seconds } = refusal {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_seconds));
        }
        response
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.into())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

fn failed(status: StatusCode, code: &'static str, message: String) -> Response {
    let answer = Failed { success: false, error: Reason { code, message } };
    (status, Extension(Code(code)), Json(answer)).into_response()
}
