//! The deviations, one file for each family. `fixtures/deviations.toml` describes them.

mod agent;
mod api_expiry;
mod api_keys;
mod cidr;
mod counts;
mod crud;
mod ephemeral;
mod expiry;
mod identity;
mod lookup;
mod machines;
mod reuse;
mod revocation;
mod roles;
mod secrets;
mod shared;
mod tables;
mod tags;
mod validation;
mod wire;

use crate::deviation::{Deviation, Family};

pub const FAMILIES: &[(&str, Family)] = &[
    ("counts", counts::ALL),
    ("reuse", reuse::ALL),
    ("lookup", lookup::ALL),
    ("expiry", expiry::ALL),
    ("revocation", revocation::ALL),
    ("identity", identity::ALL),
    ("machines", machines::ALL),
    ("tags", tags::ALL),
    ("cidr", cidr::ALL),
    ("ephemeral", ephemeral::ALL),
    ("roles", roles::ALL),
    ("secrets", secrets::ALL),
    ("api-keys", api_keys::ALL),
    ("api-expiry", api_expiry::ALL),
    ("crud", crud::ALL),
    ("validation", validation::ALL),
    ("agent", agent::ALL),
    ("tables", tables::ALL),
    ("wire", wire::ALL),
];

/// The family and the deviation of that id.
pub fn named(id: &str) -> Option<(&'static str, Deviation)> {
    all().find(|(_, known, _)| *known == id).map(|(family, _, deviation)| (family, deviation))
}

/// Family, id and deviation of each.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str, Deviation)> {
    let of = |(family, members): &'static (&'static str, Family)| {
        members.iter().map(|(id, deviation)| (*family, *id, *deviation))
    };
    FAMILIES.iter().flat_map(of)
}
