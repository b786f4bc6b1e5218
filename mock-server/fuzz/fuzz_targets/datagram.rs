//! A script for a WireGuard node and those around it; see `ztna_agent::fuzzing::datagram`.

#![no_main]

libfuzzer_sys::fuzz_target!(|script: &[u8]| ztna_agent::fuzzing::datagram(script));
