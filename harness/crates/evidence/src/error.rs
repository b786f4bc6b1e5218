//! The errors of this crate.

use std::io;
use std::path::PathBuf;

use crate::archive::ArchiveError;
use crate::manifest::{FORMAT, MANIFEST};

/// Recording, packing or verifying evidence failed.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("serialising failed: {0}")]
    Json(#[from] serde_json::Error),
    #[error("invalid profile: {0}")]
    InvalidProfile(#[from] toml::de::Error),
    #[error("serialising the profile failed: {0}")]
    Profile(#[from] toml::ser::Error),
    #[error("invalid file name in a bundle: {0}\nuse letters, digits, `.`, `_` and `-` only")]
    FileName(String),
    #[error("reading snapshot {} failed: {cause}", path.display())]
    Snapshot { path: PathBuf, cause: io::Error },

    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("not an evidence bundle: {MANIFEST} is missing")]
    NoManifest,
    #[error(
        "unsupported bundle format `{0}`: this kit reads `{FORMAT}`\nuse the kit that created the bundle"
    )]
    UnsupportedFormat(String),

    #[error("reading key {} failed: {cause}", path.display())]
    UnreadableKey { path: PathBuf, cause: io::Error },
    #[error("invalid minisign secret key {}: {cause}\n`minisign -G` creates a key pair", path.display())]
    InvalidSecretKey { path: PathBuf, cause: minisign::PError },
    #[error(
        "key {} is encrypted\nset HARNESS_SIGNING_PASSWORD to its password, or create a key without one: `minisign -G -W`",
        path.display()
    )]
    EncryptedKey { path: PathBuf },
    #[error("decrypting key {} failed: {cause}\ncheck the password in HARNESS_SIGNING_PASSWORD", path.display())]
    WrongPassword { path: PathBuf, cause: minisign::PError },
    #[error("invalid public key `{0}`: expected a minisign public key or a file with one")]
    InvalidPublicKey(String),
    #[error("signing the manifest failed: {0}")]
    Signing(minisign::PError),
    #[error("{0}")]
    InvalidSignature(minisign::PError),
    #[error("the signature is valid, but its file was modified")]
    ModifiedSignature,
}
