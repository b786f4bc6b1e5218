//! Which machines may use a relay: what the relay asks its control plane.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Member;

/// Tokens asked about at once.
pub const MOST_ASKED: usize = 900;

/// What a relay asks its control plane.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MembersQuestion {
    /// SHA-256 of machine tokens, hex, at most 900. The tokens themselves stay at the relay.
    pub token_hashes: Vec<String>,
}

/// What the control plane answers.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MembersAnswer {
    /// For each hash, in the same order, the machine that may use the relay; null if there is none.
    pub members: Vec<Option<MemberView>>,
}

/// A machine that may use the relay.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemberView {
    /// Its organisation.
    pub org_id: String,
    /// Its WireGuard public key, base64.
    pub public_key: String,
}

/// The hash by which a relay asks about a machine token: SHA-256 of all of it, hex.
pub fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

impl MemberView {
    /// The machine, if its key is one.
    pub fn read(self) -> Option<Member> {
        let public_key = BASE64.decode(&self.public_key).ok()?.try_into().ok()?;
        Some(Member { org_id: self.org_id, public_key })
    }
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self { org_id: member.org_id, public_key: BASE64.encode(member.public_key) }
    }
}
