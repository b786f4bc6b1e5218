//! Authorisation: what a caller may do in an organisation.

use super::ControlError;
use crate::domain::scope::{Resource, Scopes, Verb};
use crate::domain::{Refusal, Role, Timestamp};
use crate::store::users::{self, Membership};
use crate::store::{StoreError, Tx, api_keys};

/// An authenticated caller. [`require`] decides on every call what the caller may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The holder of an access token; `email` is in lower case, and the password was last entered at `authenticated_at`.
    User { user_id: String, email: String, authenticated_at: Timestamp },
    /// The holder of a valid API key within its rate limit, whose current use is already counted.
    ApiKey { id: String, org_id: String, scopes: Scopes },
}

impl Caller {
    /// The id of the user or of the API key.
    pub fn id(&self) -> &str {
        match self {
            Self::User { user_id, .. } => user_id,
            Self::ApiKey { id, .. } => id,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Issue auth keys, revoke and rename keys: admins and owners, and API keys that cover everything.
    ManageKeys,
    /// Issue API keys: admins and owners with a session. A chain of keys that issue keys would never end.
    IssueApiKeys,
    /// Administer machines: admins and owners, and API keys with write access to machines.
    ManageMachines,
    /// Add a machine with a session: any role. A member's machine then awaits approval.
    Join,
    Read(Resource),
    Write(Resource),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// For an API key, its creator's.
    pub user_id: String,
    /// The API key, if it is one.
    pub api_key_id: Option<String>,
    /// The actor in `audit_logs`: the email, or `api-key:ID`.
    pub label: String,
    /// For an API key, its creator's.
    pub role: Role,
}

/// Authorises `caller` for `permission` in an organisation. Foreign and non-existent organisations are refused alike.
///
/// Roles are looked up on every call, so that demoted admins lose access at once. An API key may do at most what its
/// creator currently may (`api-key/ST1.1`).
///
/// # Errors
/// 403 FORBIDDEN or INSUFFICIENT_SCOPE; 401 UNAUTHORIZED if the API key was revoked since it was authenticated.
pub fn require(
    tx: &mut Tx<'_>,
    caller: &Caller,
    org_id: &str,
    permission: Permission,
    now: Timestamp,
) -> Result<Actor, ControlError> {
    let refused = || Refusal::Forbidden(permission.refusal());
    let (user_id, api_key_id, label) = match caller {
        Caller::User { user_id, email, .. } => (user_id.clone(), None, email.clone()),
        Caller::ApiKey { id, org_id: own, scopes } => {
            if own != org_id {
                return Err(refused().into());
            }
            if !permission.covered_by(scopes) {
                return Err(Refusal::InsufficientScope { needed: permission.scope() }.into());
            }
            if permission == Permission::IssueApiKeys {
                return Err(
                    Refusal::Forbidden("A session is required: API keys do not issue API keys").into()
                );
            }
            let creator = api_keys::creator(tx, id, now)?
                .ok_or(Refusal::Unauthorized("Invalid, expired or revoked API key"))?;
            (creator, Some(id.clone()), format!("api-key:{id}"))
        }
    };
    match users::role(tx, &user_id, org_id)? {
        Some(role) if role.administers() || permission.open_to_members() => {
            Ok(Actor { user_id, api_key_id, label, role })
        }
        _ => Err(refused().into()),
    }
}

/// Returns the caller's memberships. An API key has its creator's membership in its own organisation.
pub fn memberships(tx: &mut Tx<'_>, caller: &Caller, now: Timestamp) -> Result<Vec<Membership>, StoreError> {
    match caller {
        Caller::User { user_id, .. } => users::memberships(tx, user_id),
        Caller::ApiKey { id, org_id: own, .. } => {
            let Some(creator) = api_keys::creator(tx, id, now)? else { return Ok(Vec::new()) };
            let mut memberships = users::memberships(tx, &creator)?;
            memberships.retain(|membership| membership.org_id == *own);
            Ok(memberships)
        }
    }
}

/// Returns the organisations in which `caller` has `permission`.
///
/// # Errors
/// Those of [`require`], if there are none.
pub fn organisations(
    tx: &mut Tx<'_>,
    caller: &Caller,
    permission: Permission,
    now: Timestamp,
) -> Result<Vec<String>, ControlError> {
    let mut allowed = Vec::new();
    let mut refusal = ControlError::from(Refusal::Forbidden(permission.refusal()));
    for Membership { org_id, .. } in memberships(tx, caller, now)? {
        match require(tx, caller, &org_id, permission, now) {
            Ok(_) => allowed.push(org_id),
            Err(ControlError::Refused(reason)) => refusal = reason.into(),
            Err(failure) => return Err(failure),
        }
    }
    if allowed.is_empty() { Err(refusal) } else { Ok(allowed) }
}

impl Permission {
    const fn open_to_members(self) -> bool {
        matches!(self, Self::Join | Self::Read(Resource::Machines | Resource::Dns | Resource::Acl))
    }

    fn covered_by(self, scopes: &Scopes) -> bool {
        match self {
            Self::ManageKeys | Self::IssueApiKeys => scopes.cover_everything(),
            Self::ManageMachines | Self::Join => scopes.cover(Verb::Write, Resource::Machines),
            Self::Read(resource) => scopes.cover(Verb::Read, resource),
            Self::Write(resource) => scopes.cover(Verb::Write, resource),
        }
    }

    /// The narrowest scope that grants the permission.
    const fn scope(self) -> &'static str {
        match self {
            Self::ManageKeys | Self::IssueApiKeys | Self::Write(Resource::Keys) => "admin",
            Self::Read(Resource::Keys) => "read",
            Self::ManageMachines | Self::Join | Self::Write(Resource::Machines) => "machines:write",
            Self::Read(Resource::Machines) => "machines:read",
            Self::Read(Resource::Dns) => "dns:read",
            Self::Write(Resource::Dns) => "dns:write",
            Self::Read(Resource::Acl) => "acl:read",
            Self::Write(Resource::Acl) => "acl:write",
            Self::Read(Resource::Billing) => "billing:read",
            Self::Write(Resource::Billing) => "billing:write",
            Self::Read(Resource::Audit) => "audit:read",
            Self::Write(Resource::Audit) => "audit:write",
        }
    }

    const fn refusal(self) -> &'static str {
        if self.open_to_members() { "Not a member of this organisation" } else { "Admin required" }
    }
}
