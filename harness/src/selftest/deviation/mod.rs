//! The deviations: one file a family, a few lines each. What each one means stands in `fixtures/deviations.toml`.

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
mod restore;
mod reuse;
mod revocation;
mod roles;
mod secrets;
mod tables;
mod tags;
mod validation;
mod wire;

use std::time::Duration;

use super::agent::Wrapping;
use super::layer::{Asked, Memory, Told};

/// One thing done wrong: to a request, to an answer, by requests of the layer's own, by a setting that the
/// reference has itself, or by the agent.
#[derive(Clone, Copy)]
pub struct Deviation {
    /// Requests that are sent first.
    pub before: fn(&Asked, &mut Memory) -> Vec<Asked>,
    /// Bends a request, or answers it at once.
    pub ask: fn(&mut Asked, &mut Memory) -> Option<Told>,
    /// How long a registration is held back, once it was bent: those at the same moment then meet for certain.
    pub pause: Duration,
    /// Bends an answer to what was asked.
    pub tell: fn(&Asked, &mut Told, &mut Memory),
    /// Requests that are sent after an answer, before it goes back.
    pub after: fn(&Asked, &Told, &mut Memory) -> Vec<Asked>,
    /// Requests that are sent when the clock has moved.
    pub later: fn(&mut Memory) -> Vec<Asked>,
    /// Whether the reference believes X-Forwarded-For of everybody.
    pub trusts_every_proxy: bool,
    /// What the agent does wrong.
    pub agent: Option<Wrapping>,
}

/// The deviations of one family, by id.
pub type Family = &'static [(&'static str, Deviation)];

/// All families, by name.
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

/// Nothing is wrong.
pub const NONE: Deviation = Deviation {
    before: |_, _| Vec::new(),
    ask: |_, _| None,
    pause: Duration::ZERO,
    tell: |_, _, _| (),
    after: |_, _, _| Vec::new(),
    later: |_| Vec::new(),
    trusts_every_proxy: false,
    agent: None,
};

/// The deviation of that id, and its family.
pub fn named(id: &str) -> Option<(&'static str, Deviation)> {
    all().find(|(_, known, _)| *known == id).map(|(family, _, deviation)| (family, deviation))
}

/// Family, id and deviation of all.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str, Deviation)> {
    let of = |(family, members): &'static (&'static str, Family)| {
        members.iter().map(|(id, deviation)| (*family, *id, *deviation))
    };
    FAMILIES.iter().flat_map(of)
}

const fn asking(ask: fn(&mut Asked, &mut Memory) -> Option<Told>) -> Deviation {
    Deviation { ask, ..NONE }
}

const fn telling(tell: fn(&Asked, &mut Told, &mut Memory)) -> Deviation {
    Deviation { tell, ..NONE }
}

const fn both(
    ask: fn(&mut Asked, &mut Memory) -> Option<Told>,
    tell: fn(&Asked, &mut Told, &mut Memory),
) -> Deviation {
    Deviation { ask, tell, ..NONE }
}
