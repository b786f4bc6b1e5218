//! The agent's command line, without the control plane beside it.

fn main() -> std::process::ExitCode {
    ztna_agent::main(std::env::args_os().skip(1))
}
