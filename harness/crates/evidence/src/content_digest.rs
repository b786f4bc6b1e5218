use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

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
