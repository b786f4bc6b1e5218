//! The agent's command line; everything is in [`mock_server::agent`].

fn main() -> std::process::ExitCode {
    mock_server::agent::main(std::env::args_os().skip(1))
}
