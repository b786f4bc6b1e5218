//! What the requests of a preflight need.

use crate::exchange::Caller;
use crate::targets::profile::Profile;
use crate::targets::sessions::Sessions;

/// The requests of a preflight, and what they need.
#[derive(Debug)]
pub(in crate::targets) struct Preflight<'a> {
    pub(in crate::targets) profile: &'a Profile,
    pub(in crate::targets) sessions: &'a Sessions,
    pub(in crate::targets) caller: &'a Caller,
    /// The name of the auth key that is created and revoked.
    pub(in crate::targets) key_name: &'a str,
}
