//! API keys and their rate limits.

use sha2::{Digest as _, Sha256};

use super::moment::Seconds;
use super::nature::Nature;
use crate::independent::choices::Choice;

pub(super) const PREFIX: &str = "qztna_";

/// Milliseconds since 1970.
pub(super) type Milliseconds = i64;

const MINUTE: Milliseconds = 60_000;

#[derive(Clone)]
pub(super) struct ApiKey {
    pub(super) id: String,
    pub(super) org: String,
    pub(super) name: String,
    /// The SHA-256 of the whole key, in hex.
    pub(super) hash: String,
    /// What lists show of the key.
    pub(super) shown: String,
    pub(super) scopes: Vec<String>,
    pub(super) rate: usize,
    pub(super) created: Seconds,
    pub(super) expires: Seconds,
    pub(super) revoked: bool,
    pub(super) uses: u64,
    /// The times of recent requests.
    pub(super) lately: Vec<Milliseconds>,
}

impl ApiKey {
    /// Whether the rate limit allows a request now: a sliding log, unless another limiter is chosen.
    pub(super) fn has_room(&mut self, now: Milliseconds, nature: &Nature) -> bool {
        self.lately.retain(|used| now - used < MINUTE);
        if nature.chooses(Choice::SmoothingLimiter) {
            let pause = MINUTE / Milliseconds::try_from(self.rate).unwrap_or(MINUTE);
            return self.lately.last().is_none_or(|used| now - used >= pause);
        }
        let counted = match nature.chooses(Choice::FixedWindows) {
            true => self.lately.iter().filter(|used| **used / MINUTE == now / MINUTE).count(),
            false => self.lately.len(),
        };
        counted < self.rate
    }
}

/// The SHA-256 of a key, in hex.
pub(super) fn hash(key: &str) -> String {
    Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect()
}
