//! Who may do what.

mod roles;
mod sessions;

use crate::deviation::Family;

pub(super) const FAMILIES: &[(&str, Family)] = &[("roles", roles::ALL), ("sessions", sessions::ALL)];
