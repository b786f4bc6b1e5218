//! API keys.

mod expiry;
mod inserting;
mod rates;
mod scopes;

use crate::deviation::Family;

pub(super) const FAMILIES: &[(&str, Family)] = &[
    ("api-keys", scopes::ALL),
    ("api-expiry", expiry::ALL),
    ("inserting", inserting::ALL),
    ("rates", rates::ALL),
];
