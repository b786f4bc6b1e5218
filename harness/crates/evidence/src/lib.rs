//! Evidence for a third party: a bundle in which every check of a run can be evaluated again, and its verification.
//!
//! This crate must not know how a run is carried out: it hears events, and judges recordings with the model's own judge.
//! Nothing in it opens a connection. `README.md` tells what is in a bundle and how to check one by hand.
//!
//! Start reading at [`spool::Spool`] and [`bundle`] for writing, and at [`verify`] for reading.

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

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

/// A SHA-256 digest in hex.
pub fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// How much there is to read, and its SHA-256 digest in hex.
///
/// # Errors
/// It cannot be read to its end.
pub fn digest_of(mut content: impl Read) -> io::Result<(u64, String)> {
    let (mut digest, mut length) = (Sha256::new(), 0);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = content.read(&mut buffer)?;
        match buffer.get(..read) {
            Some(chunk) if read > 0 => {
                digest.update(chunk);
                length += chunk.len() as u64;
            }
            _ => return Ok((length, hex::encode(digest.finalize()))),
        }
    }
}
