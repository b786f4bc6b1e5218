//! How requests are read and answered.

mod lists;
mod validation;

use crate::deviation::Family;

pub(super) const FAMILIES: &[(&str, Family)] = &[("lists", lists::ALL), ("validation", validation::ALL)];
