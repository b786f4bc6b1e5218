//! An answer of the control plane to a relay; see `ztna_relay::fuzzing::members`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ztna_relay::fuzzing::members(bytes));
