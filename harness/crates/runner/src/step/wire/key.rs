use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use boringtun::x25519::{PublicKey, StaticSecret};

/// A key pair. Its `Debug` output hides the private key.
#[derive(Clone)]
pub(super) struct NodeKey {
    private: StaticSecret,
}

impl NodeKey {
    pub(super) fn from_random(bytes: [u8; 32]) -> Self {
        Self { private: StaticSecret::from(bytes) }
    }

    pub(super) fn private(&self) -> StaticSecret {
        self.private.clone()
    }

    /// Returns the public key in base64, as WireGuard writes keys.
    pub(super) fn public(&self) -> String {
        BASE64.encode(PublicKey::from(&self.private).as_bytes())
    }

    /// Parses a public key in base64.
    pub(super) fn parse_public(text: &str) -> Option<PublicKey> {
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
    fn public_keys_round_trip_and_debug_hides_the_private_key() {
        let key = NodeKey::from_random([7; 32]);
        let public = NodeKey::parse_public(&key.public()).unwrap();
        assert_eq!(public, PublicKey::from(&key.private()));
        assert_eq!(NodeKey::parse_public("AA=="), None);
        assert_eq!(NodeKey::parse_public("no key"), None);
        assert_eq!(format!("{key:?}"), "NodeKey(…)");
    }
}
