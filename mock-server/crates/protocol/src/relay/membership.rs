//! The request of a relay to its control plane, which decides which machines may use the relay.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::Member;
use crate::machine_token::TokenReference;
use crate::public_key;

/// Upper bound of tokens in one request.
pub const MAX_TOKENS_PER_REQUEST: usize = 900;

/// A relay's request to its control plane.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MembersQuestion {
    /// SHA-256 hashes of machine tokens in hex, at most 900. The tokens themselves stay at the relay.
    pub token_hashes: Vec<String>,
    /// The ids that the tokens contain, in the same order; null for a token without one.
    pub machine_ids: Vec<Option<String>>,
}

/// The control plane's response.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MembersAnswer {
    /// The machine of each hash, in the same order; null if there is none that may use the relay.
    pub members: Vec<Option<MemberView>>,
}

/// A machine that may use the relay.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemberView {
    /// The machine's organisation.
    pub org_id: String,
    /// The machine's WireGuard public key, base64.
    pub public_key: String,
}

impl From<Vec<TokenReference>> for MembersQuestion {
    fn from(tokens: Vec<TokenReference>) -> Self {
        let (token_hashes, machine_ids) =
            tokens.into_iter().map(|token| (token.hash, token.machine_id)).unzip();
        Self { token_hashes, machine_ids }
    }
}

impl MemberView {
    /// Decodes the machine; `None` if its key is invalid or of low order.
    pub fn read(self) -> Option<Member> {
        let public_key = public_key::parse(&self.public_key).ok()?;
        Some(Member { org_id: self.org_id, public_key })
    }
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self { org_id: member.org_id, public_key: BASE64.encode(member.public_key) }
    }
}
