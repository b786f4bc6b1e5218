//! Endpoints and fields that scenarios use although no document describes them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::model::{Action, Body, Request, Step};

/// An endpoint or field that the documents name at most, and never describe. A target may lack it: then nothing that
/// needs it is judged.
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
    /// The field `tags` in the body of `POST /api/register-machine`.
    Claims,
    /// `GET /api/user-orgs`, which shows the id of the organisation.
    UserOrgs,
    /// `POST /api/heartbeat`.
    Heartbeat,
    /// `GET /api/network-map`.
    NetworkMap,
    /// `PUT /api/acl`, which replaces the access rules.
    Acl,
}

/// All of them, with their names in profiles.
pub const UNDOCUMENTED: [(Undocumented, &str); 8] = [
    (Undocumented::Machines, "machines"),
    (Undocumented::MachineAdmin, "machine_admin"),
    (Undocumented::RevokeApiKey, "revoke_api_key"),
    (Undocumented::Claims, "claims"),
    (Undocumented::UserOrgs, "user_orgs"),
    (Undocumented::Heartbeat, "heartbeat"),
    (Undocumented::NetworkMap, "network_map"),
    (Undocumented::Acl, "acl"),
];

const REGISTER: &str = "/api/register-machine";

impl Undocumented {
    /// Returns its name in profiles.
    pub fn name(self) -> &'static str {
        UNDOCUMENTED.iter().find(|(known, _)| *known == self).map_or("", |(_, name)| name)
    }

    /// Returns what a target lacks, as a message names it.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Machines => "GET /api/db/machines",
            Self::MachineAdmin => "POST /api/machine-admin",
            Self::RevokeApiKey => "action revoke_api_key at POST /api/key-management",
            Self::Claims => "field `tags` at POST /api/register-machine",
            Self::UserOrgs => "GET /api/user-orgs with the organisation's id",
            Self::Heartbeat => "POST /api/heartbeat",
            Self::NetworkMap => "GET /api/network-map",
            Self::Acl => "PUT /api/acl with rules in the spelling of Tailscale's acls",
        }
    }

    /// Returns the path of the endpoint, if the endpoint as a whole is undocumented.
    pub fn path(self) -> Option<&'static str> {
        match self {
            Self::Machines => Some("/api/db/machines"),
            Self::MachineAdmin => Some("/api/machine-admin"),
            Self::UserOrgs => Some("/api/user-orgs"),
            Self::Heartbeat => Some("/api/heartbeat"),
            Self::NetworkMap => Some("/api/network-map"),
            Self::Acl => Some("/api/acl"),
            Self::RevokeApiKey | Self::Claims => None,
        }
    }
}

/// Returns the undocumented endpoints and fields that a step uses.
pub fn used_by(step: &Step) -> BTreeSet<Undocumented> {
    match &step.action {
        Action::Http(request) => used_by_request(request),
        // The kit's WireGuard peer publishes its endpoint and reads the network map.
        Action::Wire(_) => BTreeSet::from([Undocumented::Heartbeat, Undocumented::NetworkMap]),
        Action::Advance(passage) | Action::Wait(passage) if !passage.keeping.is_empty() => {
            BTreeSet::from([Undocumented::Heartbeat])
        }
        _ => BTreeSet::new(),
    }
}

fn used_by_request(request: &Request) -> BTreeSet<Undocumented> {
    let path = request.path.text.split('?').next().unwrap_or_default();
    let endpoints = UNDOCUMENTED.iter().map(|(undocumented, _)| *undocumented);
    let mut used: BTreeSet<Undocumented> =
        endpoints.filter(|undocumented| undocumented.path() == Some(path)).collect();
    if let Body::Json { value, .. } = &request.body {
        if value.get("action").and_then(Value::as_str) == Some("revoke_api_key") {
            used.insert(Undocumented::RevokeApiKey);
        }
        if path == REGISTER && value.get("tags").is_some() {
            used.insert(Undocumented::Claims);
        }
    }
    used
}
