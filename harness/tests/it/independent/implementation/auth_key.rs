//! Auth keys: `tskey-auth-` and 64 hex characters.

use super::moment::Seconds;

pub(super) const PREFIX: &str = "tskey-auth-";

#[derive(Clone)]
pub(super) struct AuthKey {
    pub(super) id: String,
    pub(super) org: String,
    pub(super) name: String,
    /// The 64 characters after the prefix.
    pub(super) secret: String,
    pub(super) reusable: bool,
    pub(super) ephemeral: bool,
    pub(super) created: Seconds,
    pub(super) expires: Seconds,
    pub(super) allowed_tags: Option<Vec<String>>,
    pub(super) allowed_cidrs: Option<Vec<String>>,
    pub(super) tags: Vec<String>,
    pub(super) used: i64,
    pub(super) revoked: bool,
}

impl AuthKey {
    pub(super) fn whole(&self) -> String {
        format!("{PREFIX}{}", self.secret)
    }

    pub(super) fn shown(&self) -> String {
        shown(PREFIX, &self.secret)
    }
}

/// The part of a key that lists show.
pub(super) fn shown(prefix: &str, secret: &str) -> String {
    format!("{prefix}{}...", secret.get(..8).unwrap_or_default())
}
