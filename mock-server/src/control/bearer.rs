//! Authentication by bearer token: access tokens and API keys, whose uses are counted.

use super::ControlError;
use super::access::Caller;
use super::session::SessionKey;
use crate::domain::key::material::sha256;
use crate::domain::rate::{Admission, admit};
use crate::domain::{Refusal, Timestamp};
use crate::store::{Store, Tx, api_keys, ended_sessions};

/// The prefixes of keys made by the server and by a browser (`api-key/F.4`, `api-key/ST5.1`).
const API_KEY_PREFIXES: [&str; 2] = ["qztna_", "ztna_"];

const INVALID_TOKEN: &str = "Invalid or expired token";

/// How many concurrent uses by other replicas are tolerated before the key counts as rate-limited.
const MAX_ATTEMPTS: usize = 16;

/// Authenticates the holder of a token at `now`.
///
/// # Errors
/// 401 UNAUTHORIZED for a malformed, expired or revoked token; 429 RATE_LIMITED for an API key over its limit.
pub async fn authenticate(
    store: &Store,
    session: &SessionKey,
    token: &str,
    now: Timestamp,
) -> Result<Caller, ControlError> {
    if API_KEY_PREFIXES.iter().any(|prefix| token.starts_with(prefix)) {
        let key_hash = sha256(token);
        // What strangers invent does not reach the only writer.
        let wanted = key_hash.clone();
        if store.read(move |tx| api_keys::find_by_hash(tx, &wanted)).await?.is_none() {
            return Err(Refusal::Unauthorized("Invalid, expired or revoked API key").into());
        }
        return store.write(move |tx| use_api_key(tx, &key_hash, now)).await;
    }
    let session = session.verify(token, now).ok_or(Refusal::Unauthorized(INVALID_TOKEN))?;
    let id = session.id;
    if store.read(move |tx| ended_sessions::contains(tx, &id)).await? {
        return Err(Refusal::Unauthorized(INVALID_TOKEN).into());
    }
    let authenticated_at = session.authenticated_at;
    Ok(Caller::User { user_id: session.user.id, email: session.user.email, authenticated_at })
}

/// Ends the session of an access token.
///
/// # Errors
/// 401 UNAUTHORIZED for a token that is no valid access token, such as an API key.
pub async fn end_session(
    store: &Store,
    session: &SessionKey,
    token: &str,
    now: Timestamp,
) -> Result<(), ControlError> {
    let session = session.verify(token, now).ok_or(Refusal::Unauthorized(INVALID_TOKEN))?;
    store
        .write(move |tx| {
            if ended_sessions::contains(tx, &session.id)? {
                return Err(Refusal::Unauthorized(INVALID_TOKEN).into());
            }
            Ok(ended_sessions::insert(tx, &session.id, session.expires_at)?)
        })
        .await
}

/// Counts a use of the key with this hash, regardless of the request's outcome. Rate-limited uses are not counted
/// (`api-key/ST3.2`).
fn use_api_key(tx: &mut Tx<'_>, key_hash: &str, now: Timestamp) -> Result<Caller, ControlError> {
    for _ in 0..MAX_ATTEMPTS {
        let key = api_keys::find_by_hash(tx, key_hash)?
            .filter(|key| !key.revoked && now < key.expires_at)
            .ok_or(Refusal::Unauthorized("Invalid, expired or revoked API key"))?;
        match admit(key.window, key.rate_limit_rpm, now) {
            Admission::Refused { retry_after_seconds } => {
                return Err(Refusal::RateLimited { retry_after_seconds }.into());
            }
            Admission::Admitted(window) => {
                if api_keys::count_use(tx, &key, window, now)? {
                    return Ok(Caller::ApiKey { id: key.id, org_id: key.org_id, scopes: key.scopes });
                }
            }
        }
    }
    Err(Refusal::RateLimited { retry_after_seconds: 1 }.into())
}
