//! What the agent does and prints.

mod call;
mod commands;
mod constructors;
mod installer;
mod keys;
mod lists;
mod state;
mod status;

use crate::deviation::Family;

pub(super) const FAMILIES: &[(&str, Family)] = &[
    ("agent-keys", keys::ALL),
    ("agent-state", state::ALL),
    ("agent-status", status::ALL),
    ("agent-commands", commands::ALL),
    ("agent-lists", lists::ALL),
    ("installer", installer::ALL),
];
