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
mod content_digest;
mod error;
pub mod line;
pub mod manifest;
pub mod profile;
pub mod signature;
pub mod spool;
pub mod statement;
pub mod verify;

pub use content_digest::{ContentDigest, digest, digest_of};
pub use error::EvidenceError;
