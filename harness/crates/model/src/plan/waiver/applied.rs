//! Waivers as shown in reports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::source::Location;

/// A waiver and its state after a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppliedWaiver {
    /// The covered statement; either this or `check` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// The covered check, as `SUBTEST:LINE` or `SUBTEST/STEP NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Why the failure is accepted.
    pub reason: String,
    /// Who is responsible for it.
    pub owner: String,
    /// The last valid day, `YYYY-MM-DD`.
    pub expires: String,
    /// The state after the run.
    pub state: WaiverState,
    /// The waiver in its file.
    pub location: Location,
}

/// The state of a waiver after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaiverState {
    /// A covered check failed.
    Used,
    /// The last valid day has passed: it covers nothing and fails the run.
    Expired,
    /// All covered checks were judged and none failed: it fails the run until it is removed.
    Unneeded,
    /// Not all covered checks were judged in this run.
    NotJudged,
}

impl WaiverState {
    /// Returns whether the waiver fails the run.
    pub fn is_stale(self) -> bool {
        matches!(self, Self::Expired | Self::Unneeded)
    }

    /// Returns the state as shown in reports.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Unneeded => "no longer needed",
            Self::NotJudged => "not judged in this run",
        }
    }
}

impl AppliedWaiver {
    /// Returns what the waiver covers, as written in the file.
    pub fn covers(&self) -> &str {
        self.statement.as_deref().or(self.check.as_deref()).unwrap_or_default()
    }
}

impl std::fmt::Display for AppliedWaiver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { reason, owner, expires, location, .. } = self;
        write!(formatter, "{}: {reason} ({owner}, until {expires}; {location})", self.covers())
    }
}
