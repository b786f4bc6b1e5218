//! The text of a target with a secret in it; see `harness_model::fuzzing::text_sink`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| harness_model::fuzzing::text_sink(input));
