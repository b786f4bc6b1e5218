//! Evidence for a third party: a bundle in which every check can be evaluated again, and its verification.
//! `README.md` tells what is in a bundle and how to check one by hand.

pub mod archive;
pub mod bundle;
pub mod chain;
pub mod line;
pub mod manifest;
pub mod profile;
pub mod signature;
pub mod spool;
pub mod statement;
pub mod verify;

use sha2::{Digest as _, Sha256};

/// A SHA-256 digest in hex.
pub fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
