//! `mock-server serve`: the reference control plane as a program.

fn main() -> std::process::ExitCode {
    mock_server::app::cli::main()
}
