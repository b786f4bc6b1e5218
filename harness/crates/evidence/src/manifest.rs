//! `manifest.json`: the contents of a bundle with their digests. A signature covers this file alone.

use serde::{Deserialize, Serialize};

use harness_model::event::TargetDescription;
use harness_report::exit_code::Verdict;
use harness_report::results::{Kit, Totals};

use crate::spool::Spooled;

/// The bundle format that this kit writes and reads.
pub const FORMAT: &str = "quickztna-evidence/1";

/// Name of the manifest in the bundle.
pub const MANIFEST: &str = "manifest.json";
/// Name of the results in the bundle.
pub const RESULTS: &str = "results.json";
/// Name of the recorded lines in the bundle.
pub const EXCHANGES: &str = "exchanges.jsonl";
/// Name of the target profile in the bundle.
pub const PROFILE: &str = "profile.toml";
/// Name of the in-toto statement in the bundle.
pub const STATEMENT: &str = "statement.json";
/// Name of the guide in the bundle.
pub const GUIDE: &str = "README.md";
/// Folder of the scenarios in the bundle.
pub const SCENARIOS: &str = "scenarios/";

/// The manifest of a bundle.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub format: String,
    pub kit: Kit,
    /// The digest of the kit's program; null if it could not be read.
    pub kit_executable_sha256: Option<String>,
    pub target: TargetDescription,
    /// When the run started (RFC 3339).
    pub started_at: String,
    pub verdict: Verdict,
    pub exit_code: u8,
    pub totals: Totals,
    pub chain: ChainSummary,
    /// The minisign public key that signed this manifest; null if it is unsigned.
    pub signed_by: Option<String>,
    /// Every file before the manifest, in order.
    pub files: Vec<FileDigest>,
    /// The bytes of the bundle before this file.
    pub archive: ArchiveDigest,
}

/// A summary of the recorded lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainSummary {
    pub lines: u64,
    /// The SHA-256 digest of the last line.
    pub head: String,
    pub steps: u64,
    pub exchanges: u64,
    pub checks: u64,
    /// How many checks cannot be re-evaluated, because their outcome depends on a secret.
    pub rest_on_secrets: u64,
}

/// A file of the bundle and its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
}

/// The digest of the first bytes of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveDigest {
    pub bytes: u64,
    pub sha256: String,
}

impl ChainSummary {
    pub fn of(spooled: &Spooled) -> Self {
        Self {
            lines: spooled.chain.lines(),
            head: spooled.chain.head().to_owned(),
            steps: spooled.counts.steps,
            exchanges: spooled.counts.exchanges,
            checks: spooled.counts.checks,
            rest_on_secrets: spooled.counts.rest_on_secrets,
        }
    }
}

impl Manifest {
    /// Returns the file's canonical text.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    pub fn file(&self, path: &str) -> Option<&FileDigest> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// Whether a path is allowed in a bundle: ASCII letters, digits and `._-`, at most five components, none hidden.
pub fn is_plain(path: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let is_part = |part: &str| {
        !part.is_empty() && part.len() <= 100 && !part.starts_with(['.', '-']) && part.chars().all(is_letter)
    };
    path.split('/').count() <= 5 && path.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_are_allowed() {
        for plain in ["a", "scenarios/auth-keys/used-count/ST4.snap/created.snap", "results.json"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "a/.b",
            "a\\b",
            "c:x",
            "a/b/c/d/e/f",
            "é",
            "a b",
            "-x",
        ] {
            assert!(!is_plain(other), "{other}");
        }
    }
}
