//! A script for a WireGuard node and those around it; see `mock_server::fuzzing::datagram`.

#![no_main]

libfuzzer_sys::fuzz_target!(|script: &[u8]| mock_server::fuzzing::datagram(script));
