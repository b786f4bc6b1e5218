//! Who may do what in an organisation.

use super::Failure;
use crate::domain::scope::{Resource, Scopes, Verb};
use crate::domain::{Refusal, Role, Timestamp};
use crate::store::users::{self, Membership};
use crate::store::{StoreError, Tx, api_keys};

/// Who calls, as the credential proves it; what they may do is asked of [`require`] at every call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The holder of a session's access token.
    User {
        /// The user's id.
        user_id: String,
        /// The user's email, lower case.
        email: String,
    },
    /// The holder of an API key that is valid now and within its rate limit; this use is counted already.
    ApiKey {
        /// The key's id.
        id: String,
        /// The one organisation it belongs to.
        org_id: String,
        /// What it may be used for.
        scopes: Scopes,
    },
}

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// To issue and revoke keys: admin or owner; of an API key the scope admin, or none at all.
    ManageKeys,
    /// To quarantine, release, approve, delete and tag machines: admin or owner; of an API key machines and write.
    ManageMachines,
    /// To add a machine with a session: any role. The [`Actor`]'s role then says whether it must be approved.
    Join,
    /// To see a resource.
    Read(Resource),
    /// To change a resource.
    Write(Resource),
}

/// Who acts, once it is clear that they may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The user's id; of an API key its creator's. What `created_by` columns hold.
    pub user_id: String,
    /// What audit_logs shows: the email, or `api-key:ID`.
    pub label: String,
    /// The user's role in the organisation; of an API key its creator's.
    pub role: Role,
}

/// Lets `caller` pass if it may do that in that organisation; one it has nothing to do with and one that
/// does not exist are refused alike.
///
/// Roles are looked up at every call, so that who is no longer an admin is refused with the token they hold. An API
/// key can do at most what its creator still may (`api-key/ST1.1`).
///
/// # Errors
/// 403 FORBIDDEN, 403 INSUFFICIENT_SCOPE; 401 UNAUTHORIZED if the API key was revoked since it was admitted.
pub fn require(
    tx: &mut Tx<'_>,
    caller: &Caller,
    org_id: &str,
    permission: Permission,
    now: Timestamp,
) -> Result<Actor, Failure> {
    let refused = || Refusal::Forbidden(permission.refusal());
    let (user_id, label) = match caller {
        Caller::User { user_id, email } => (user_id.clone(), email.clone()),
        Caller::ApiKey { id, org_id: own, scopes } => {
            if own != org_id {
                return Err(refused().into());
            }
            if !permission.covered_by(scopes) {
                return Err(Refusal::InsufficientScope { needed: permission.scope() }.into());
            }
            let creator = api_keys::creator(tx, id, now)?
                .ok_or(Refusal::Unauthorized("Invalid, expired or revoked API key"))?;
            (creator, format!("api-key:{id}"))
        }
    };
    match users::role(tx, &user_id, org_id)? {
        Some(role) if role.administers() || permission.open_to_members() => {
            Ok(Actor { user_id, label, role })
        }
        _ => Err(refused().into()),
    }
}

/// Where the caller belongs: an API key to its one organisation, as its creator does.
///
/// # Errors
/// The store's.
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

/// The organisations in which `caller` may do that.
///
/// # Errors
/// Those of [`require`], if there is none.
pub fn organisations(
    tx: &mut Tx<'_>,
    caller: &Caller,
    permission: Permission,
    now: Timestamp,
) -> Result<Vec<String>, Failure> {
    let mut allowed = Vec::new();
    let mut refusal = Failure::from(Refusal::Forbidden(permission.refusal()));
    for Membership { org_id, .. } in memberships(tx, caller, now)? {
        match require(tx, caller, &org_id, permission, now) {
            Ok(_) => allowed.push(org_id),
            Err(Failure::Refused(reason)) => refusal = reason.into(),
            Err(failure) => return Err(failure),
        }
    }
    if allowed.is_empty() { Err(refusal) } else { Ok(allowed) }
}

impl Permission {
    /// Whether every role has it.
    const fn open_to_members(self) -> bool {
        matches!(self, Self::Join | Self::Read(Resource::Machines | Resource::Dns | Resource::Acl))
    }

    fn covered_by(self, scopes: &Scopes) -> bool {
        match self {
            Self::ManageKeys => scopes.cover_everything(),
            Self::ManageMachines | Self::Join => scopes.cover(Verb::Write, Resource::Machines),
            Self::Read(resource) => scopes.cover(Verb::Read, resource),
            Self::Write(resource) => scopes.cover(Verb::Write, resource),
        }
    }

    /// The narrowest scope that covers it.
    const fn scope(self) -> &'static str {
        match self {
            Self::ManageKeys | Self::Write(Resource::Keys) => "admin",
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
