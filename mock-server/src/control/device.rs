//! The device flow of RFC 8628: a device starts a login, a person approves it, the device fetches its token once.

use std::net::IpAddr;
use std::time::Duration;

use super::session::User;
use super::{ControlError, Random};
use crate::domain::device_code::{self, MAX_STARTS_OF_ADDRESS, Poll, user_code};
use crate::domain::key::material::sha256;
use crate::domain::throttle::network;
use crate::domain::{Refusal, Timestamp};
use crate::store::device_codes::{self, NewDeviceCode};
use crate::store::{Store, StoreError, Tx, users};

/// How long expired codes are kept, so that their devices receive `expired_token`.
pub const EXPIRED_CODE_RETENTION: Duration = Duration::from_secs(600);
/// The number of codes that are kept at once, since anybody can ask for one.
const MAX_CODES: i64 = 10_000;
const FULL_RETRY_SECONDS: u64 = 60;

/// User codes collide once in billions, so a retry resolves it.
const MAX_ATTEMPTS: usize = 3;

/// The codes of a started login.
pub struct DeviceLogin {
    pub device_code: String,
    /// The code that the person enters.
    pub user_code: String,
}

/// The result of a poll.
pub enum PollOutcome {
    /// Any answer other than [`Poll::Granted`].
    NoToken(Poll),
    /// A token may be issued to this user, whose password was last entered at `authenticated_at`.
    Granted { user: User, authenticated_at: Timestamp },
}

/// A login that a device asks for.
#[derive(Debug, Clone)]
pub struct NewLogin {
    pub client_id: String,
    /// The device's address, if it is known.
    pub address: Option<IpAddr>,
    pub lifetime: Duration,
    /// How often it is polled.
    pub interval: Duration,
}

/// Starts a login.
///
/// # Errors
/// 429 RATE_LIMITED while too many logins are open, or for an address that started too many.
pub async fn begin(
    store: &Store,
    random: &Random,
    login: NewLogin,
    now: Timestamp,
) -> Result<DeviceLogin, ControlError> {
    let NewLogin { client_id, address, lifetime, interval } = login;
    let started_from = address.map(network).map(|network| network.to_string()).unwrap_or_default();
    // What one address starts beyond its limit does not reach the only writer.
    let from = started_from.clone();
    store.read(move |tx| admit_start(tx, &from, lifetime, now)).await?;
    let mut outcome = Err(StoreError::Stopped.into());
    for _ in 0..MAX_ATTEMPTS {
        let login = DeviceLogin {
            device_code: hex::encode(random.bytes::<32>()),
            user_code: user_code(random.bytes()),
        };
        let hash = sha256(&login.device_code);
        let (user_code, client_id, from) = (login.user_code.clone(), client_id.clone(), started_from.clone());
        let stored = store
            .write(move |tx| {
                admit_start(tx, &from, lifetime, now)?;
                if device_codes::has_more_than(tx, MAX_CODES)? {
                    return Err(Refusal::RateLimited { retry_after_seconds: FULL_RETRY_SECONDS }.into());
                }
                let code = NewDeviceCode {
                    device_code_hash: &hash,
                    user_code: &user_code,
                    client_id: &client_id,
                    started_from: &from,
                    interval,
                    expires_at: now.plus(lifetime),
                };
                device_codes::insert(tx, &code, now).map_err(ControlError::from)
            })
            .await;
        outcome = stored.map(|()| login);
        if !matches!(outcome, Err(ControlError::Store(StoreError::Unique { .. }))) {
            break;
        }
    }
    outcome
}

/// Refuses an address that started too many logins, wherever they were started.
fn admit_start(
    tx: &mut Tx<'_>,
    started_from: &str,
    lifetime: Duration,
    now: Timestamp,
) -> Result<(), ControlError> {
    let counted = device_codes::started_since(tx, started_from, now.minus(lifetime), MAX_STARTS_OF_ADDRESS)?;
    match counted {
        Some(oldest) => Err(device_code::too_many_starts(oldest, lifetime, now).into()),
        None => Ok(()),
    }
}

/// Answers a device's poll at `now`, and redeems the code if the token is granted.
pub async fn poll(
    store: &Store,
    device_code: &str,
    client_id: String,
    now: Timestamp,
) -> Result<PollOutcome, ControlError> {
    let hash = sha256(device_code);
    store
        .write(move |tx| {
            let Some(code) = device_codes::find_by_hash(tx, &hash)? else {
                return Ok(PollOutcome::NoToken(Poll::Invalid));
            };
            let answer = code.poll(&client_id, now);
            match &answer {
                Poll::Granted { user_id } => {
                    let email = users::email(tx, user_id)?;
                    if let (Some(email), true) = (email, device_codes::redeem(tx, &hash)?) {
                        let user = User { id: user_id.clone(), email };
                        let authenticated_at = device_codes::authenticated_at(tx, &hash)?.unwrap_or(now);
                        return Ok(PollOutcome::Granted { user, authenticated_at });
                    }
                    return Ok(PollOutcome::NoToken(Poll::Invalid));
                }
                Poll::Pending => device_codes::record_poll(tx, &hash, code.interval, now)?,
                Poll::SlowDown { interval } => device_codes::record_poll(tx, &hash, *interval, now)?,
                Poll::Denied | Poll::Expired | Poll::Invalid => {}
            }
            Ok(PollOutcome::NoToken(answer))
        })
        .await
}

/// Records the decision of a person, who last entered the password at `authenticated_at`, on the code that they entered.
///
/// # Errors
/// 404 NOT_FOUND if no such code is pending: mistyped, expired, or already decided.
pub fn decide(
    tx: &mut Tx<'_>,
    (user_id, authenticated_at): (&str, Timestamp),
    user_code: &str,
    approve: bool,
    now: Timestamp,
) -> Result<(), ControlError> {
    let user_code = device_code::normalise(user_code);
    if device_codes::decide(tx, &user_code, (user_id, authenticated_at), approve, now)? {
        Ok(())
    } else {
        Err(Refusal::NotFound("Code").into())
    }
}
