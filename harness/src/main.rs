//! The `harness` program.

use std::process::ExitCode;

use harness::selftest::agent;
use harness::target::embedded;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    let rest: Vec<_> = arguments.collect();
    match rest.split_first() {
        // Started by itself as an agent: nothing of the kit is wanted.
        Some((first, words)) if first == embedded::AGENT_SUBCOMMAND => embedded::agent(words.to_vec()),
        Some((first, words)) if first == agent::SUBCOMMAND => agent::main(words.to_vec()),
        _ => harness::cli::main(std::iter::once(program).chain(rest)),
    }
}
