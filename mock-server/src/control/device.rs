//! The device flow of RFC 8628: a device asks, a person approves, the device fetches its token once.

use std::time::Duration;

use super::{Failure, Random};
use crate::domain::device_code::{Poll, typed, user_code};
use crate::domain::key::material::sha256;
use crate::domain::{Refusal, Timestamp};
use crate::store::device_codes::{self, NewDeviceCode};
use crate::store::{Store, StoreError, users};

/// How long an expired code is remembered, so that its device learns that it was too late.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Two user codes are equal once in billions; a second draw settles it.
const DRAWS: usize = 3;

/// A login that was begun.
pub struct Begun {
    /// The device's secret.
    pub device_code: String,
    /// What the person types.
    pub user_code: String,
}

/// What a device is told that asks for its token.
pub enum Answer {
    /// What the rules say, other than [`Poll::Granted`].
    Wait(Poll),
    /// The token may be issued to this user.
    Granted {
        /// The user's id.
        user_id: String,
        /// The user's email.
        email: String,
    },
}

/// Begins a login for `client_id`, which waits `interval` between two questions and has `lifetime` for all of it.
///
/// # Errors
/// The store's.
pub async fn begin(
    store: &Store,
    random: &Random,
    client_id: &str,
    lifetime: Duration,
    interval: Duration,
    now: Timestamp,
) -> Result<Begun, Failure> {
    let mut outcome = Err(StoreError::Stopped.into());
    for _ in 0..DRAWS {
        let begun =
            Begun { device_code: hex::encode(random.bytes::<32>()), user_code: user_code(random.bytes()) };
        let (hash, shown, client_id) =
            (sha256(&begun.device_code), begun.user_code.clone(), client_id.to_owned());
        let stored = store
            .write(move |tx| {
                device_codes::forget(tx, now.minus(REMEMBERED))?;
                let code = NewDeviceCode {
                    device_code_hash: &hash,
                    user_code: &shown,
                    client_id: &client_id,
                    interval,
                    expires_at: now.plus(lifetime),
                };
                device_codes::insert(tx, &code, now).map_err(Failure::from)
            })
            .await;
        outcome = stored.map(|()| begun);
        if !matches!(outcome, Err(Failure::Store(StoreError::Unique { .. }))) {
            break;
        }
    }
    outcome
}

/// Tells a device how its login stands at `now`; a granted code is used up with that.
///
/// # Errors
/// The store's.
pub async fn poll(
    store: &Store,
    device_code: &str,
    client_id: String,
    now: Timestamp,
) -> Result<Answer, Failure> {
    let hash = sha256(device_code);
    store
        .write(move |tx| {
            let Some(code) = device_codes::by_hash(tx, &hash)? else {
                return Ok(Answer::Wait(Poll::Invalid));
            };
            let answer = code.poll(&client_id, now);
            match &answer {
                Poll::Granted { user_id } => {
                    let email = users::email(tx, user_id)?;
                    if let (Some(email), true) = (email, device_codes::redeem(tx, &hash)?) {
                        return Ok(Answer::Granted { user_id: user_id.clone(), email });
                    }
                    return Ok(Answer::Wait(Poll::Invalid));
                }
                Poll::Pending => device_codes::polled(tx, &hash, code.interval, now)?,
                Poll::SlowDown { interval } => device_codes::polled(tx, &hash, *interval, now)?,
                Poll::Denied | Poll::Expired | Poll::Invalid => {}
            }
            Ok(Answer::Wait(answer))
        })
        .await
}

/// Records what a person decided about the code they typed.
///
/// # Errors
/// 404 NOT_FOUND if no such code waits: mistyped, expired, or decided already.
pub async fn decide(
    store: &Store,
    user_id: String,
    user_code: &str,
    approve: bool,
    now: Timestamp,
) -> Result<(), Failure> {
    let user_code = typed(user_code);
    store
        .write(move |tx| {
            if device_codes::decide(tx, &user_code, &user_id, approve, now)? {
                Ok(())
            } else {
                Err(Refusal::NotFound("Code").into())
            }
        })
        .await
}
