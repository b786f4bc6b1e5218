//! Evidence bundles: packing, verification, and detection of tampering.

pub(crate) mod bundle;
mod secrets;
mod tampering;
