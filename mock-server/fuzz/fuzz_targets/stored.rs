//! The agent's state file, or a message of its local socket; see `ztna_agent::fuzzing::stored`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ztna_agent::fuzzing::stored(bytes));
