//! What plans and reports know about a target.

use std::collections::BTreeSet;

use crate::scenario::model::{Capability, Identity};
use crate::scenario::undocumented::Undocumented;

/// The target of a run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct TargetDescription {
    /// Its name.
    pub name: String,
    /// Its version, if the profile declares one.
    pub version: Option<String>,
    /// Its base URL; null if every sub-test has a control plane of its own.
    pub base_url: Option<String>,
    /// Whether it is the reference, so that `ours` statements are judged.
    pub reference: bool,
    /// The capabilities that it declares.
    #[schemars(with = "BTreeSet<String>")]
    pub capabilities: BTreeSet<Capability>,
    /// The identities whose sessions it lacks; sub-tests that need one are skipped.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schemars(with = "BTreeSet<String>")]
    pub missing_sessions: BTreeSet<Identity>,
    /// The undocumented endpoints that it lacks; what needs them is not judged.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub absent: BTreeSet<Undocumented>,
    /// Where its refusals have their code and message, if elsewhere than documented.
    #[serde(default, skip_serializing_if = "RefusalPointers::is_default")]
    pub refusal: RefusalPointers,
    /// The deliberate deviation of the reference (`--deviation`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviating: Option<Deviating>,
}

/// A deliberate deviation of the reference.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Deviating {
    /// Its id in `fixtures/deviations.toml`.
    pub id: String,
    /// The defect, such as "used_count never increases".
    #[serde(alias = "wrong")]
    pub summary: String,
}

/// JSON pointers to the code and the message of a refusal. Only the expectations `error` and `message` read them; the
/// documents print some refusals as a whole, and name the code and message of others only.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct RefusalPointers {
    /// `/error/code` if null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// `/error/message` if null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl RefusalPointers {
    pub fn code(&self) -> &str {
        self.code.as_deref().unwrap_or("/error/code")
    }

    pub fn message(&self) -> &str {
        self.message.as_deref().unwrap_or("/error/message")
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
