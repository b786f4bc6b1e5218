//! The agent's command line; everything is in [`ztna_agent`].

fn main() -> std::process::ExitCode {
    ztna_agent::main(std::env::args_os().skip(1))
}
