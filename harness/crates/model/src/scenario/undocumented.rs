//! Endpoints that scenarios use although no document describes them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::model::{Action, Body, Step};

/// An endpoint that the documents name at most, and never describe. A target may lack it: then nothing that needs it
/// is judged.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Undocumented {
    /// `GET /api/db/machines`.
    Machines,
    /// `POST /api/machine-admin`.
    MachineAdmin,
    /// The action `revoke_api_key` of `POST /api/key-management`.
    RevokeApiKey,
}

impl Undocumented {
    /// Returns the endpoint as a message names it.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Machines => "GET /api/db/machines",
            Self::MachineAdmin => "POST /api/machine-admin",
            Self::RevokeApiKey => "the action revoke_api_key",
        }
    }
}

/// Returns the undocumented endpoints that a step calls.
pub fn used_by(step: &Step) -> BTreeSet<Undocumented> {
    let mut used = BTreeSet::new();
    let Action::Http(request) = &step.action else { return used };
    let path = request.path.text.split('?').next().unwrap_or_default();
    match path {
        "/api/db/machines" => drop(used.insert(Undocumented::Machines)),
        "/api/machine-admin" => drop(used.insert(Undocumented::MachineAdmin)),
        _ => {}
    }
    if let Body::Json { value, .. } = &request.body
        && value.get("action").and_then(Value::as_str) == Some("revoke_api_key")
    {
        used.insert(Undocumented::RevokeApiKey);
    }
    used
}
