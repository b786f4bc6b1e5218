//! The deviations, in a folder for each subject and a file for each family. `fixtures/deviations.toml` describes them.

mod access;
mod agent;
mod api_keys;
mod auth_keys;
mod dashboard;
mod machines;
mod requests;
mod shared;

use crate::deviation::{Deviation, Family};

/// The families of each folder.
const GROUPS: &[&[(&str, Family)]] = &[
    auth_keys::FAMILIES,
    machines::FAMILIES,
    access::FAMILIES,
    api_keys::FAMILIES,
    requests::FAMILIES,
    agent::FAMILIES,
    dashboard::FAMILIES,
];

/// The family and the deviation of that id.
pub fn named(id: &str) -> Option<(&'static str, Deviation)> {
    all().find(|(_, known, _)| *known == id).map(|(family, _, deviation)| (family, deviation))
}

/// Family, id and deviation of each.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str, Deviation)> {
    families()
        .flat_map(|(family, members)| members.iter().map(move |(id, deviation)| (family, *id, *deviation)))
}

/// All families, by name.
pub fn families() -> impl Iterator<Item = (&'static str, Family)> {
    GROUPS.iter().copied().flatten().copied()
}
