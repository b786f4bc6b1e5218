//! A step as evidence: what it saw, with pseudonyms in place of secrets, so that it can be judged again by
//! somebody who may not know them.

mod form;
mod pseudonym;
mod recorder;
mod replay;

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::check::outcome::CheckVerdict;

pub use form::{RecordedExchange, RecordedProcess, RecordedWire, Saw};
pub use pseudonym::PseudonymKey;
pub use recorder::Recorder;
pub use replay::{Misfit, Replay, Replayed};

/// When a step was done, and for which time.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The step's index in the scenario.
    pub step: usize,
    /// The row's index; 0 without rows.
    pub row: usize,
    /// When it began.
    pub at: SystemTime,
    /// How often it was tried; more than once only under `eventually`.
    pub attempts: u32,
}

/// One step of a sub-test, done once: everything that its checks are judged by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// The step's index in the scenario, from 0.
    pub step: usize,
    /// The row's index, from 0; 0 without rows.
    pub row: usize,
    /// When it began (RFC 3339).
    pub at: String,
    /// What happened, in the words of the document.
    pub name: String,
    /// How often it was tried; what the last try saw is recorded.
    pub attempts: u32,
    /// What became known as a secret before its checks were judged: a shell variable, and the pseudonym.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<(String, String)>,
    /// The variables that are always there, where they are new or have changed since the step before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Value>,
    /// What a `set` step named; nothing where the value is absent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Option<Value>>,
    /// What it saw.
    pub saw: Saw,
    /// What its checks found in the run.
    pub checks: Vec<RecordedCheck>,
}

/// What a check found in the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedCheck {
    /// The statements that it judges.
    pub statements: Vec<String>,
    /// What it found.
    pub verdict: CheckVerdict,
    /// Why what it found cannot be found again from the recording: it rests on a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rests_on_secret: Option<String>,
    /// Whether the verdict can be found again, and only its words cannot.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub words_rest_on_secret: bool,
}
