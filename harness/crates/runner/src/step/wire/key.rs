//! A WireGuard key pair of the kit's own.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use boringtun::x25519::{PublicKey, StaticSecret};

/// A key pair; its private half is never shown.
#[derive(Clone)]
pub(super) struct NodeKey {
    private: StaticSecret,
}

impl NodeKey {
    /// The pair of these random bytes.
    pub(super) fn from_random(bytes: [u8; 32]) -> Self {
        Self { private: StaticSecret::from(bytes) }
    }

    pub(super) fn private(&self) -> StaticSecret {
        self.private.clone()
    }

    /// The public half in base64, as WireGuard writes keys.
    pub(super) fn public(&self) -> String {
        BASE64.encode(PublicKey::from(&self.private).as_bytes())
    }

    /// Somebody's public key in base64.
    pub(super) fn read_public(text: &str) -> Option<PublicKey> {
        let bytes: [u8; 32] = BASE64.decode(text).ok()?.try_into().ok()?;
        Some(PublicKey::from(bytes))
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NodeKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_is_read_as_it_is_written_and_the_private_one_is_not_shown() {
        let key = NodeKey::from_random([7; 32]);
        let public = NodeKey::read_public(&key.public()).unwrap();
        assert_eq!(public, PublicKey::from(&key.private()));
        assert_eq!(NodeKey::read_public("AA=="), None);
        assert_eq!(NodeKey::read_public("no key"), None);
        assert_eq!(format!("{key:?}"), "NodeKey(…)");
    }
}
