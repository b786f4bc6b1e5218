//! A message that may be a relay's frame; see `mock_server::fuzzing::relay_frame`.

#![no_main]

libfuzzer_sys::fuzz_target!(|message: &[u8]| mock_server::fuzzing::relay_frame(message));
