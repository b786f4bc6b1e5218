//! Where endpoints are that no document describes.

use super::nature::Nature;
use crate::independent::choices::Choice;

/// The names of profiles, the usual path, and another one.
pub(crate) const MOVED: [(&str, &str, &str); 5] = [
    ("machines", "/api/db/machines", "/v2/devices"),
    ("machine_admin", "/api/machine-admin", "/v2/devices/actions"),
    ("user_orgs", "/api/user-orgs", "/v2/memberships"),
    ("heartbeat", "/api/heartbeat", "/v2/devices/alive"),
    ("login", "/api/auth/login", "/v2/sessions"),
];

/// The usual path of what is at this path, if there is anything.
pub(super) fn usual<'path>(path: &'path str, nature: &Nature) -> Option<&'path str> {
    let lacks = |choice, lacked| nature.chooses(choice) && path == lacked;
    if lacks(Choice::NoMachinesTable, "/api/db/machines")
        || lacks(Choice::NoMachineAdmin, "/api/machine-admin")
        || lacks(Choice::NoOrganisations, "/api/user-orgs")
        || lacks(Choice::NoHeartbeats, "/api/heartbeat")
    {
        return None;
    }
    if !nature.chooses(Choice::PathsMoved) {
        return Some(path);
    }
    match MOVED.iter().find(|(_, usual, moved)| path == *usual || path == *moved) {
        Some((_, usual, moved)) => Some(*usual).filter(|_| path == *moved),
        None => Some(path),
    }
}
