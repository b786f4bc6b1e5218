//! Sessions: signed access tokens, judged by the server's clock, and the login that gives them out.

use std::fmt;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::{Failure, password};
use crate::domain::{Refusal, Timestamp};
use crate::store::{Store, users};

/// What access tokens are signed with, and how long they last.
#[derive(Clone)]
pub struct SessionKey {
    secret: [u8; 32],
    lifetime: Duration,
}

/// The claims of an access token (RFC 7519), times in seconds since 1970.
#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    email: String,
    iat: i64,
    exp: i64,
}

impl SessionKey {
    /// A key made of 32 random bytes.
    pub fn new(secret: [u8; 32], lifetime: Duration) -> Self {
        Self { secret, lifetime }
    }

    /// How long a token is valid.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// An access token for that user, valid from `now` on.
    pub fn issue(&self, user_id: &str, email: &str, now: Timestamp) -> String {
        let claims = Claims {
            sub: user_id.to_owned(),
            email: email.to_owned(),
            iat: now.as_seconds(),
            exp: now.plus(self.lifetime).as_seconds(),
        };
        // HMAC over two texts and two numbers cannot fail; were it to, an empty token opens nothing.
        encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(&self.secret))
            .unwrap_or_default()
    }

    /// The user's id and email, if the token is genuine and not expired at `now`.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<(String, String)> {
        let mut validation = Validation::new(Algorithm::HS256);
        // The library would ask the system's clock.
        validation.validate_exp = false;
        let claims =
            decode::<Claims>(token, &DecodingKey::from_secret(&self.secret), &validation).ok()?.claims;
        (now.as_seconds() < claims.exp).then_some((claims.sub, claims.email))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKey").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

/// The id and email of the user whose email and password these are.
///
/// # Errors
/// 401 INVALID_CREDENTIALS, after the same time and in the same words whether the email or the password is wrong.
pub async fn login(store: &Store, email: String, password: String) -> Result<(String, String), Failure> {
    let found = store.read(move |tx| users::credentials(tx, &email).map_err(Failure::from)).await?;
    let (user, hash) = found.map(|found| ((found.id, found.email), found.password_hash)).unzip();
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
    fn a_token_lasts_its_lifetime_by_the_given_clock() {
        let token = key(1).issue("u1", "ada@acme.example", NOW);
        let holder = Some(("u1".to_owned(), "ada@acme.example".to_owned()));
        let cases = [(0, holder.clone()), (59_999, holder), (60_000, None), (86_400_000, None)];
        for (later, expected) in cases {
            assert_eq!(key(1).verify(&token, NOW.plus(Duration::from_millis(later))), expected, "{later}");
        }
    }

    #[test]
    fn what_is_not_genuine_opens_nothing() {
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
