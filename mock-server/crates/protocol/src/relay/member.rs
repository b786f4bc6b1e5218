//! Who speaks at a relay.

/// A machine as a relay knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its organisation; it reaches nobody outside.
    pub org_id: String,
    /// Its WireGuard public key, by which others address it.
    pub public_key: [u8; 32],
}
