//! `manifest.json`: what a bundle has, each part by its digest. A signature is over this file alone.

use serde::{Deserialize, Serialize};

use harness_model::event::TargetDescription;
use harness_report::exit_code::Verdict;
use harness_report::results::{Kit, Totals};

/// The form of bundles that this kit writes and reads.
pub const FORMAT: &str = "quickztna-evidence/1";

/// The manifest's own name in the bundle.
pub const MANIFEST: &str = "manifest.json";
/// The results' name in the bundle.
pub const RESULTS: &str = "results.json";
/// The exchanges' name in the bundle.
pub const EXCHANGES: &str = "exchanges.jsonl";
/// The profile's name in the bundle.
pub const PROFILE: &str = "profile.toml";
/// The statement's name in the bundle.
pub const STATEMENT: &str = "statement.json";
/// The guide's name in the bundle.
pub const GUIDE: &str = "README.md";
/// The folder of scenarios in the bundle.
pub const SCENARIOS: &str = "scenarios/";

/// What a bundle has.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form of the bundle.
    pub format: String,
    /// What judged.
    pub kit: Kit,
    /// The digest of the program that judged; none if it could not be read.
    pub kit_executable_sha256: Option<String>,
    /// What was judged.
    pub target: TargetDescription,
    /// When the run began (RFC 3339).
    pub started_at: String,
    /// What it says about the target.
    pub verdict: Verdict,
    /// The run's exit code.
    pub exit_code: u8,
    /// Everything counted.
    pub totals: Totals,
    /// The chain of exchanges.
    pub chain: ChainSummary,
    /// The minisign public key whose signature belongs to this manifest; none if it is not signed.
    pub signed_by: Option<String>,
    /// Every other file of the bundle, in its order.
    pub files: Vec<FileDigest>,
    /// The bundle as far as it stands before this file.
    pub archive: ArchiveDigest,
}

/// The chain of exchanges in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainSummary {
    /// How many lines it has.
    pub lines: u64,
    /// The SHA-256 digest of its last line.
    pub head: String,
    /// How many steps are recorded.
    pub steps: u64,
    /// How many HTTP exchanges they have.
    pub exchanges: u64,
    /// How many checks they have.
    pub checks: u64,
    /// How many of the checks cannot be evaluated again, since what they found rests on a secret.
    pub rest_on_secrets: u64,
}

/// A file and its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    /// Its name in the bundle.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 digest.
    pub sha256: String,
}

/// The first bytes of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveDigest {
    /// How many.
    pub bytes: u64,
    /// Their SHA-256 digest.
    pub sha256: String,
}

impl Manifest {
    /// The file's text: there is one for each manifest.
    ///
    /// # Errors
    /// None that the types allow; the library's is passed on.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// The file of that name.
    pub fn file(&self, path: &str) -> Option<&FileDigest> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// Whether a name is one that a file of a bundle may have: plain letters, at most five folders deep, nothing hidden.
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
    fn only_plain_names_are_files_of_a_bundle() {
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
