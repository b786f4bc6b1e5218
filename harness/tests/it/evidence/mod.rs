//! Evidence bundles: packing, verification, and detection of tampering.

mod bundle;
mod secrets;
mod tampering;
