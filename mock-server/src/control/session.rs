//! Sessions: signed access tokens, and the password login that issues them.

use std::fmt;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::{ControlError, hs256, password};
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

/// A session that its token proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: String,
    pub user: User,
    /// When the user last entered the password, for this session or for one that approved it.
    pub authenticated_at: Timestamp,
    /// When no token of it is valid any more.
    pub expires_at: Timestamp,
}

/// The claims of an access token (RFC 7519), with times in seconds since 1970.
#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    email: String,
    /// The session, by which it can be ended.
    jti: String,
    iat: i64,
    exp: i64,
    /// When the user last entered the password; with the issue if it is missing (OpenID Connect Core, section 2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    /// Not set by this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
}

impl SessionKey {
    /// Creates a key from random bytes.
    pub fn new(secret: [u8; 32], lifetime: Duration) -> Self {
        hs256::install();
        Self { secret, lifetime }
    }

    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Issues an access token that is valid from `now` on, after the user entered the password. `session_id` must be unique.
    pub fn issue(&self, session_id: &str, user_id: &str, email: &str, now: Timestamp) -> String {
        self.issue_approved(session_id, user_id, email, now, now)
    }

    /// Issues an access token for a session that was approved by one with a password entered at `authenticated_at`.
    pub fn issue_approved(
        &self,
        session_id: &str,
        user_id: &str,
        email: &str,
        authenticated_at: Timestamp,
        now: Timestamp,
    ) -> String {
        let claims = Claims {
            sub: user_id.to_owned(),
            email: email.to_owned(),
            jti: session_id.to_owned(),
            iat: now.as_seconds(),
            exp: now.plus(self.lifetime).as_seconds(),
            auth_time: Some(authenticated_at.as_seconds()),
            nbf: None,
        };
        // HMAC over two strings and two numbers cannot fail; an empty token would grant no access.
        encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(&self.secret))
            .unwrap_or_default()
    }

    /// Returns the session if the token is genuine and valid at `now`. A token is valid for at most the configured
    /// lifetime from its issue on, even if it claims more, and not before its claim `nbf`.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<Session> {
        let mut validation = Validation::new(Algorithm::HS256);
        // The library would use the system clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims =
            decode::<Claims>(token, &DecodingKey::from_secret(&self.secret), &validation).ok()?.claims;
        let lifetime = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        let ends = claims.exp.min(claims.iat.saturating_add(lifetime));
        let begins = claims.nbf.unwrap_or(i64::MIN);
        (begins..ends).contains(&now.as_seconds()).then(|| Session {
            id: claims.jti,
            user: User { id: claims.sub, email: claims.email },
            authenticated_at: Timestamp::from_millis(
                claims.auth_time.unwrap_or(claims.iat).min(claims.iat).saturating_mul(1000),
            ),
            expires_at: Timestamp::from_millis(ends.saturating_mul(1000)),
        })
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
        let token = key(1).issue("s1", "u1", "ada@acme.example", NOW);
        for (later, valid) in [(0, true), (59_999, true), (60_000, false), (86_400_000, false)] {
            let session = key(1).verify(&token, NOW.plus(Duration::from_millis(later)));
            assert_eq!(session.is_some(), valid, "{later}");
        }
        let session = key(1).verify(&token, NOW).unwrap();
        let user = User { id: "u1".to_owned(), email: "ada@acme.example".to_owned() };
        assert_eq!((session.id.as_str(), session.user), ("s1", user));
        assert_eq!(session.expires_at, NOW.plus(Duration::from_secs(60)));
    }

    /// As another program would issue them that knows the secret.
    #[test]
    fn claims_extend_no_lifetime() {
        hs256::install();
        let now = NOW.as_seconds();
        for (iat, exp, nbf, valid) in [
            (now, now + 60, None, true),
            (now, now + 1_000_000, None, true),
            (now - 59, i64::MAX, None, true),
            (now - 60, i64::MAX, None, false),
            (i64::MIN, i64::MAX, None, false),
            (now, now, None, false),
            (now, now + 60, Some(now), true),
            (now, now + 60, Some(now + 1), false),
        ] {
            let claims = serde_json::json!({
                "jti": "s1", "sub": "u1", "email": "a@b.example", "iat": iat, "exp": exp, "nbf": nbf,
            });
            let key_bytes = EncodingKey::from_secret(&[1; 32]);
            let token = encode(&Header::new(Algorithm::HS256), &claims, &key_bytes).unwrap();
            assert_eq!(key(1).verify(&token, NOW).is_some(), valid, "{claims}");
        }
    }

    #[test]
    fn tokens_without_a_session_are_rejected() {
        hs256::install();
        let claims = serde_json::json!({
            "sub": "u1", "email": "a@b.example", "iat": NOW.as_seconds(), "exp": NOW.as_seconds() + 60,
        });
        let token =
            encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(&[1; 32])).unwrap();
        assert_eq!(key(1).verify(&token, NOW), None);
    }

    #[test]
    fn forged_tokens_are_rejected() {
        let token = key(1).issue("s1", "u1", "ada@acme.example", NOW);
        let (head, signature) = token.rsplit_once('.').expect("three parts");
        let (_, claims) = head.split_once('.').expect("three parts");
        let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let other_algorithm = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS512","typ":"JWT"}"#);
        let other_claims =
            URL_SAFE_NO_PAD.encode(r#"{"jti":"s","sub":"u2","email":"x","iat":0,"exp":9999999999}"#);
        let forged = [
            key(2).issue("s1", "u1", "ada@acme.example", NOW),
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
