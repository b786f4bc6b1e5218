//! Registered machines.

mod ephemeral;
mod identity;
mod status;
mod wire;

use crate::deviation::Family;

pub(super) const FAMILIES: &[(&str, Family)] = &[
    ("identity", identity::ALL),
    ("machines", status::ALL),
    ("ephemeral", ephemeral::ALL),
    ("wire", wire::ALL),
];
