use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    let rest: Vec<_> = arguments.collect();
    if let Some(exit_code) = harness_runner::targets::host_name::handle(&rest) {
        return exit_code;
    }
    if let Some(exit_code) = harness_runner::targets::in_container::handle(&rest) {
        return exit_code;
    }
    #[cfg(feature = "reference")]
    if let Some((first, words)) = rest.split_first() {
        use harness_reference::{agent, embedded};
        // Started by itself as an agent: nothing of the kit is wanted.
        if first == embedded::AGENT_SUBCOMMAND {
            return embedded::agent(words.to_vec());
        }
        if first == agent::SUBCOMMAND {
            return agent::main(words.to_vec());
        }
    }
    harness::cli::main(std::iter::once(program).chain(rest))
}
