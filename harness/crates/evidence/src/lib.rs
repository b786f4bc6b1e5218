//! Evidence bundles, in which a third party can re-evaluate every check of a run, and their verification.
//!
//! This crate must not know how a run is carried out: it listens to events, and evaluates recordings with the model's
//! own judge. Nothing in it opens a connection. `README.md` describes what a bundle proves, `guide.md` (part of every
//! bundle) how to check one by hand.
//!
//! Start reading at [`spool::Spool`] and [`bundle`] for writing, and at [`verify`] for reading.

pub mod archive;
pub mod bundle;
pub mod chain;
mod error;
pub mod line;
pub mod manifest;
pub mod profile;
pub mod signature;
pub mod spool;
pub mod statement;
pub mod verify;

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

pub use error::EvidenceError;

/// Length and SHA-256 digest, in hex, of some content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentDigest {
    pub length: u64,
    pub sha256: String,
}

/// Returns the SHA-256 digest in hex.
pub fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Reads to the end and returns length and digest.
///
/// # Errors
/// Reading fails.
pub fn digest_of(mut content: impl Read) -> io::Result<ContentDigest> {
    let (mut digest, mut length) = (Sha256::new(), 0);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = content.read(&mut buffer)?;
        match buffer.get(..read) {
            Some(chunk) if read > 0 => {
                digest.update(chunk);
                length += chunk.len() as u64;
            }
            _ => return Ok(ContentDigest { length, sha256: hex::encode(digest.finalize()) }),
        }
    }
}
