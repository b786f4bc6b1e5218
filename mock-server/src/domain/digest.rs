//! What is kept of a secret instead of the secret.

use sha2::{Digest, Sha256};

/// SHA-256, in lower-case hex.
#[must_use]
pub fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}
