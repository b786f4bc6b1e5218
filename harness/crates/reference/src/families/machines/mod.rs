//! Registered machines.

mod access_rule_tags;
mod access_rules;
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
    ("access-rules", access_rules::ALL),
    ("access-rule-tags", access_rule_tags::ALL),
];
