//! The `Authorization` header as an extractor, which refuses with 401 and 429 before the body is read.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use super::{Error, State};
pub use crate::control::access::Caller;
use crate::control::bearer::authenticate;
use crate::domain::Refusal;

impl FromRequestParts<State> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        let token = bearer(parts).ok_or(Refusal::Unauthorized("Authentication required"))?;
        Ok(authenticate(&state.store, &state.settings.session, token, state.clock.now()).await?)
    }
}

/// Returns the token of `Authorization: Bearer TOKEN`; the scheme is case-insensitive (RFC 7235).
pub fn bearer(parts: &Parts) -> Option<&str> {
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    // Of two credentials, none counts: readers differ in which they use.
    let value = values.next().filter(|_| values.next().is_none())?;
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
