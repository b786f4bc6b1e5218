//! The only mapping from refusals to HTTP responses.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use ztna_relay::AuthorityError;

use super::envelope::{Failed, INTERNAL, Reason, UNAVAILABLE};
use crate::control::ControlError;
use crate::domain::{Refusal, RefusalCode};
use crate::store::{Condition, StoreError};

/// When a client whose request met an unavailable database is asked to repeat it.
const RETRY_AFTER_SECONDS: u64 = 1;

/// The error of a handler.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("cannot look up a relay's machine: {0}")]
    Relay(#[from] AuthorityError),
}

/// The code of a refusal, attached to the response for the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoggedCode(pub(super) &'static str);

pub const fn status(code: RefusalCode) -> StatusCode {
    match code {
        RefusalCode::MissingFields
        | RefusalCode::InvalidInput
        | RefusalCode::InvalidAction
        | RefusalCode::InvalidScopes
        | RefusalCode::InvalidFilter
        | RefusalCode::InvalidJson => StatusCode::BAD_REQUEST,
        RefusalCode::Unauthorized
        | RefusalCode::InvalidCredentials
        | RefusalCode::InvalidKey
        | RefusalCode::KeyUsed => StatusCode::UNAUTHORIZED,
        RefusalCode::Forbidden
        | RefusalCode::InsufficientScope
        | RefusalCode::IpNotAllowed
        | RefusalCode::TagNotAllowed
        | RefusalCode::MachineLimitReached
        | RefusalCode::Quarantined => StatusCode::FORBIDDEN,
        RefusalCode::NotFound => StatusCode::NOT_FOUND,
        RefusalCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        RefusalCode::RegistrationConflict | RefusalCode::PublicKeyInUse | RefusalCode::VersionConflict => {
            StatusCode::CONFLICT
        }
        RefusalCode::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        RefusalCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
    }
}

/// The response to an internal error, whose cause only the log contains.
pub fn internal() -> Response {
    failed(
        StatusCode::INTERNAL_SERVER_ERROR,
        INTERNAL,
        "Internal server error; see the server's log".to_owned(),
    )
}

/// The response while the database cannot be used: a later repetition may succeed.
pub fn unavailable(message: String) -> Response {
    let mut response = failed(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, message);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    response
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let refusal = match self {
            Self::Control(ControlError::Refused(refusal)) => refusal,
            Self::Control(ControlError::Store(StoreError::Unavailable(condition))) => {
                tracing::error!(%condition, way_out = condition.way_out(), "request failed");
                return unavailable(match condition {
                    Condition::TooSlow => format!("{condition}; select fewer rows, or by fewer conditions"),
                    Condition::Uncertain => format!("{condition}; look whether the change was made"),
                    _ if condition.is_transient() => format!("{condition}; nothing was done, try again"),
                    _ => format!("{condition}; nothing was done"),
                });
            }
            error => {
                tracing::error!(%error, "request failed");
                return internal();
            }
        };
        let code = refusal.code();
        let mut response = failed(status(code), code.as_str(), refusal.message().into_owned());
        if let Refusal::RateLimited { retry_after_seconds } = refusal {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_seconds));
        }
        response
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Control(refusal.into())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Control(error.into())
    }
}

fn failed(status: StatusCode, code: &'static str, message: String) -> Response {
    let body = Failed { success: false, error: Reason { code, message } };
    (status, Extension(LoggedCode(code)), Json(body)).into_response()
}
