//! How a repeated registration is recognised.

use sha2::{Digest as _, Sha256};

/// The header that identifies one attempt to register a machine, so that its repetition after a lost answer returns the
/// same machine and does not count as another use of the auth key.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Returns the hash by which a control plane remembers an attempt, in hex.
pub fn attempt_hash(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}
