//! The recording of a step.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::check::outcome::CheckVerdict;

use super::evidence::RecordedEvidence;

/// Identifies an execution of a step.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The step's index in the scenario.
    pub step: usize,
    /// The row's index; 0 without rows.
    pub row: usize,
    pub at: SystemTime,
    /// The number of attempts; more than one only with `eventually`.
    pub attempts: u32,
}

/// One execution of a step: everything that its checks are judged by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// The step's index in the scenario, from 0.
    pub step: usize,
    /// The row's index, from 0; 0 without rows.
    pub row: usize,
    /// When it began (RFC 3339).
    pub at: String,
    /// The step's name, in the words of the document.
    pub name: String,
    /// The number of attempts; the last one is recorded.
    pub attempts: u32,
    /// The secrets that were learnt before its checks were judged: shell variable and pseudonym.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<(String, String)>,
    /// Built-in variables that are new or changed since the previous step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Value>,
    /// The values of a `set` step; null if absent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Option<Value>>,
    #[serde(rename = "saw")]
    pub evidence: RecordedEvidence,
    /// The outcomes of its checks in the run.
    pub checks: Vec<RecordedCheck>,
}

/// The outcome of a check in the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedCheck {
    pub statements: Vec<String>,
    pub verdict: CheckVerdict,
    /// Why the verdict cannot be reproduced from the recording: it depends on a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rests_on_secret: Option<String>,
    /// Whether the verdict can be reproduced, but not its message.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub words_rest_on_secret: bool,
}
