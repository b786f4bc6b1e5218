//! Who may do what.

mod roles;

use crate::deviation::Family;

pub(super) const FAMILIES: &[(&str, Family)] = &[("roles", roles::ALL)];
