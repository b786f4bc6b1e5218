//! A message that may be a relay's frame; see `ztna_protocol::fuzzing::relay_frame`.

#![no_main]

libfuzzer_sys::fuzz_target!(|message: &[u8]| ztna_protocol::fuzzing::relay_frame(message));
