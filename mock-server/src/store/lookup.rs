//! What a job is going to look up.

use ztna_protocol::machine_name::comparable;
use ztna_protocol::public_key::{Spellings, spellings};

/// The rows that a registration with an auth key is going to look up. On PostgreSQL the facts of all registrations of a
/// batch are loaded at once. It is a hint: a job that looks up others, or has none, does the same.
#[derive(Clone)]
pub struct Lookup {
    pub(super) key_hash: String,
    pub(super) name_key: String,
    pub(super) public_key: Spellings,
}

impl Lookup {
    pub fn new(key_hash: String, name: &str, public_key: &str) -> Self {
        Self { key_hash, name_key: comparable(name), public_key: spellings(public_key) }
    }
}
