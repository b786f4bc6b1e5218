//! Who may do what in an organisation.

use super::Failure;
use crate::domain::scope::{Resource, Scopes};
use crate::domain::{Refusal, Role, Timestamp};
use crate::store::{Tx, users};

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
pub fn require(
    tx: &mut Tx<'_>,
    caller: &Caller,
    org_id: &str,
    permission: Permission,
    _now: Timestamp,
) -> Result<Actor, Failure> {
    let refused = Refusal::Forbidden(match permission {
        Permission::ManageKeys | Permission::ManageMachines => "Admin required",
        _ => "Not a member of this organisation",
    });
    let Caller::User { user_id, email } = caller else { return Err(refused.into()) };
    let memberships = users::memberships(tx, user_id)?;
    let Some(membership) = memberships.into_iter().find(|membership| membership.org_id == org_id) else {
        return Err(refused.into());
    };
    if membership.role.administers() || permission == Permission::Join {
        return Ok(Actor { user_id: user_id.clone(), label: email.clone(), role: membership.role });
    }
    Err(refused.into())
}
