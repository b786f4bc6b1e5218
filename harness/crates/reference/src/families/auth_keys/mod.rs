//! Auth keys: what they are, how long they last, and what they allow.

mod cidr;
mod counts;
mod expiry;
mod lookup;
mod reuse;
mod revocation;
mod secrets;
mod tags;
mod terraform;

use crate::deviation::Family;

pub(super) const FAMILIES: &[(&str, Family)] = &[
    ("counts", counts::ALL),
    ("reuse", reuse::ALL),
    ("lookup", lookup::ALL),
    ("expiry", expiry::ALL),
    ("revocation", revocation::ALL),
    ("tags", tags::ALL),
    ("terraform", terraform::ALL),
    ("cidr", cidr::ALL),
    ("secrets", secrets::ALL),
];
