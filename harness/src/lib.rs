//! The conformance kit's command line.
//!
//! One file a command in [`cli`]; what the commands do lives in the crates below: `harness-model` (what is judged),
//! `harness-runner` (how it is carried out), `harness-report` and `harness-evidence` (what is told of it) and, with the
//! feature `reference`, `harness-reference`. `ARCHITECTURE.md` is the map.

pub mod cli;
