//! The results of documented statements and their chapters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::coverage::StatementVerdict;
use harness_model::plan::waiver::AppliedWaiver;
use harness_model::requirement::Level;

/// A chapter of the documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChapterResult {
    /// The chapter's id, the first part of its statements' ids.
    pub id: String,
    /// The suite it belongs to, if any.
    pub suite: Option<String>,
    /// The title in the documents.
    pub title: String,
    /// The document that contains it, if any.
    pub document: Option<String>,
}

/// The verdict on a documented statement.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RequirementResult {
    pub id: String,
    /// The text of the statement.
    #[serde(default)]
    pub text: String,
    /// The suite of its chapter, if any.
    #[serde(default)]
    pub suite: Option<String>,
    #[serde(default)]
    pub chapter: String,
    pub level: Level,
    pub verdict: StatementVerdict,
    /// Why it is unverified, or only partly verified.
    pub reason: Option<String>,
    /// Why checks of it were not judged on this target, each reason once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unjudged: Vec<String>,
    /// Whether it does not apply, since the target has chosen another documented behaviour.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inapplicable: bool,
    /// A waiver of its failed checks, if all of them are waived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<AppliedWaiver>,
}
