//! Defects of the dashboard's pages, as scripts that the pages load before their own.

mod api_keys;
mod auth_keys;
mod session;

use crate::deviation::Family;

pub(super) const FAMILIES: &[(&str, Family)] = &[
    ("dashboard-auth-keys", auth_keys::ALL),
    ("dashboard-api-keys", api_keys::ALL),
    ("dashboard-session", session::ALL),
];
