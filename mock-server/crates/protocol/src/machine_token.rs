//! Machine tokens: `ztm_` and 64 hex characters. The first half is the id of the machine, so that a token is found without
//! an index of its hash; the second half is random.

use sha2::{Digest as _, Sha256};

pub const PREFIX: &str = "ztm_";

/// How many hex characters a UUID has.
const ID_DIGITS: usize = 32;
/// Where the hyphens of a UUID are.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// What refers to a token without revealing it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenReference {
    /// SHA-256 of the whole token in hex.
    pub hash: String,
    /// The id that the token contains. Tokens of earlier versions are random, and contain that of no machine.
    pub machine_id: Option<String>,
}

impl TokenReference {
    pub fn to(token: &str) -> Self {
        let machine_id = token.strip_prefix(PREFIX).and_then(|digits| digits.get(..ID_DIGITS)).and_then(id);
        Self { hash: hash(token), machine_id }
    }
}

/// Returns SHA-256 of a token in hex.
pub fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// Returns the token of the machine with this id, or `None` if the id is no UUID.
pub fn compose(machine_id: &str, random: [u8; 16]) -> Option<String> {
    let digits: String = machine_id.chars().filter(|character| *character != '-').collect();
    (id(&digits)? == machine_id).then(|| format!("{PREFIX}{digits}{}", hex::encode(random)))
}

/// Returns the UUID with these digits, in lower case with hyphens.
fn id(digits: &str) -> Option<String> {
    let is_lower = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    if digits.len() != ID_DIGITS || !digits.bytes().all(is_lower) {
        return None;
    }
    let mut rest = digits;
    let groups = GROUPS.map(|length| {
        let (group, after) = rest.split_at(length);
        rest = after;
        group
    });
    Some(groups.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "019cfb3c-ed00-7000-8a1b-2c3d4e5f6071";

    #[test]
    fn a_token_leads_to_its_machine() {
        let token = compose(ID, [0xab; 16]).unwrap();
        assert_eq!(token, format!("ztm_019cfb3ced0070008a1b2c3d4e5f6071{}", "ab".repeat(16)));
        let reference = TokenReference::to(&token);
        assert_eq!(reference.machine_id.as_deref(), Some(ID));
        assert_eq!(reference.hash, hash(&token));
    }

    #[test]
    fn other_texts_lead_nowhere() {
        for text in
            ["", "ztm_", "ztm_00", "019cfb3ced0070008a1b2c3d4e5f6071", "ztm_019CFB3CED0070008A1B2C3D4E5F6071"]
        {
            assert_eq!(TokenReference::to(text).machine_id, None, "{text}");
        }
        for id in ["", "m", "019cfb3ced0070008a1b2c3d4e5f6071", "019CFB3C-ED00-7000-8A1B-2C3D4E5F6071"] {
            assert_eq!(compose(id, [0; 16]), None, "{id}");
        }
    }
}
