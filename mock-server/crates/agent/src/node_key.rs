//! The machine's WireGuard key pair.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use boringtun::x25519::{PublicKey, StaticSecret};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A Curve25519 key pair. The private key leaves this type only for the state file and the tunnel.
#[derive(Clone)]
pub(crate) struct NodeKey(StaticSecret);

impl NodeKey {
    /// Creates the key pair of 32 random bytes.
    pub(crate) fn from_random(bytes: [u8; 32]) -> Self {
        Self(StaticSecret::from(bytes))
    }

    /// Returns the public key as the control plane expects it: 32 bytes in base64.
    pub(crate) fn public_base64(&self) -> String {
        BASE64.encode(self.public())
    }

    /// Returns the public key as 64 hexadecimal digits.
    pub(crate) fn public_hex(&self) -> String {
        hex::encode(self.public())
    }

    /// Returns the first 16 hexadecimal digits of the public key and `...` (headless/ST2.1).
    pub(crate) fn fingerprint(&self) -> String {
        let mut shown = self.public_hex();
        shown.truncate(16);
        shown + "..."
    }

    /// Returns the private key, for the tunnel only.
    pub(crate) fn private(&self) -> StaticSecret {
        self.0.clone()
    }

    fn public(&self) -> [u8; 32] {
        PublicKey::from(&self.0).to_bytes()
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeKey({})", self.fingerprint())
    }
}

impl Serialize for NodeKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(self.0.as_ref()))
    }
}

impl<'de> Deserialize<'de> for NodeKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // The text is a private key, so the message must not repeat it.
        let bytes: Option<[u8; 32]> = BASE64.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(Self::from_random)
            .ok_or_else(|| de::Error::custom("invalid node key: expected 32 bytes in base64"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Alice's key pair of RFC 7748, section 6.1.
    const PRIVATE: &str = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
    const PUBLIC: &str = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";

    #[test]
    fn key_survives_storage_and_debug_hides_it() {
        let key = NodeKey::from_random(hex::decode(PRIVATE).unwrap().try_into().unwrap());
        let stored = serde_json::to_string(&key).unwrap();
        let read: NodeKey = serde_json::from_str(&stored).unwrap();
        assert_eq!(read.public_hex(), PUBLIC);
        assert_eq!(read.public_base64(), BASE64.encode(hex::decode(PUBLIC).unwrap()));
        assert_eq!(read.fingerprint(), "8520f0098930a754...");
        assert_eq!(format!("{read:?}"), "NodeKey(8520f0098930a754...)");
    }

    #[test]
    fn invalid_key_is_refused_without_repeating_it() {
        for wrong in ["\"c2VjcmV0\"", "\"not base64\""] {
            let message = serde_json::from_str::<NodeKey>(wrong).unwrap_err().to_string();
            assert!(message.starts_with("invalid node key: expected 32 bytes in base64"), "{message}");
        }
    }
}
