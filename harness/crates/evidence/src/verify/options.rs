//! What a verification is told about the bundle's origin.

use crate::bundle::ScenarioFile;

/// Upper bound of a manifest's or signature's size.
pub(super) const MAX_MANIFEST_LEN: u64 = 16 << 20;

#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The public key that must have signed the bundle.
    pub public_key: Option<String>,
    /// Whether scenarios may differ from the kit's own.
    pub accepts_scenarios: bool,
    pub own_scenarios: Vec<ScenarioFile>,
    /// The digest of this program, if known.
    pub executable: Option<String>,
}
