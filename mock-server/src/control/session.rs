//! Sessions: signed access tokens, and the password login that issues them.

use std::fmt;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::{ControlError, password};
use crate::domain::{Refusal, Timestamp};
use crate::store::{Store, users};

/// The signing key and the lifetime of access tokens.
#[derive(Clone)]
pub struct SessionKey {
    secret: [u8; 32],
    lifetime: Duration,
}

/// An authenticated user; `email` is in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: String,
    pub email: String,
}

/// The claims of an access token (RFC 7519), with times in seconds since 1970.
#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    email: String,
    iat: i64,
    exp: i64,
}

impl SessionKey {
    /// Creates a key from random bytes.
    pub fn new(secret: [u8; 32], lifetime: Duration) -> Self {
        Self { secret, lifetime }
    }

    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Issues an access token that is valid from `now` on.
    pub fn issue(&self, user_id: &str, email: &str, now: Timestamp) -> String {
        let claims = Claims {
            sub: user_id.to_owned(),
            email: email.to_owned(),
            iat: now.as_seconds(),
            exp: now.plus(self.lifetime).as_seconds(),
        };
        // HMAC over two strings and two numbers cannot fail; an empty token would grant no access.
        encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(&self.secret))
            .unwrap_or_default()
    }

    /// Returns the user if the token is genuine and has not expired at `now`.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<User> {
        let mut validation = Validation::new(Algorithm::HS256);
        // The library would use the system clock.
        validation.validate_exp = false;
        let claims =
            decode::<Claims>(token, &DecodingKey::from_secret(&self.secret), &validation).ok()?.claims;
        (now.as_seconds() < claims.exp).then_some(User { id: claims.sub, email: claims.email })
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKey").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

/// Authenticates a user by email and password.
///
/// # Errors
/// 401 INVALID_CREDENTIALS. Neither time nor message reveals whether the email or the password is wrong.
pub async fn login(store: &Store, email: String, password: String) -> Result<User, ControlError> {
    let found = store.read(move |tx| users::credentials(tx, &email).map_err(ControlError::from)).await?;
    let (user, hash) =
        found.map(|found| (User { id: found.id, email: found.email }, found.password_hash)).unzip();
    if password::matches(password, hash).await {
        user.ok_or_else(|| Refusal::InvalidCredentials.into())
    } else {
        Err(Refusal::InvalidCredentials.into())
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_773_741_600_000);

    fn key(secret: u8) -> SessionKey {
        SessionKey::new([secret; 32], Duration::from_secs(60))
    }

    #[test]
    fn tokens_expire_by_the_given_clock() {
        let token = key(1).issue("u1", "ada@acme.example", NOW);
        let user = Some(User { id: "u1".to_owned(), email: "ada@acme.example".to_owned() });
        let cases = [(0, user.clone()), (59_999, user), (60_000, None), (86_400_000, None)];
        for (later, expected) in cases {
            assert_eq!(key(1).verify(&token, NOW.plus(Duration::from_millis(later))), expected, "{later}");
        }
    }

    #[test]
    fn forged_tokens_are_rejected() {
        let token = key(1).issue("u1", "ada@acme.example", NOW);
        let (head, signature) = token.rsplit_once('.').expect("three parts");
        let (_, claims) = head.split_once('.').expect("three parts");
        let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let other_algorithm = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS512","typ":"JWT"}"#);
        let other_claims = URL_SAFE_NO_PAD.encode(r#"{"sub":"u2","email":"x","iat":0,"exp":9999999999}"#);
        let forged = [
            key(2).issue("u1", "ada@acme.example", NOW),
            format!("{head}."),
            format!("{unsigned}.{claims}."),
            format!("{unsigned}.{claims}.{signature}"),
            format!("{other_algorithm}.{claims}.{signature}"),
            format!("{}.{other_claims}.{signature}", head.split_once('.').expect("three parts").0),
            head.to_owned(),
            String::new(),
            "...".to_owned(),
            "Bearer".to_owned(),
        ];
        for token in forged {
            assert_eq!(key(1).verify(&token, NOW), None, "{token}");
        }
        assert!(!format!("{:?}", key(1)).contains("1, 1"));
    }
}
