//! An answer of the control plane to the agent; see `ztna_agent::fuzzing::answer`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ztna_agent::fuzzing::answer(bytes));
