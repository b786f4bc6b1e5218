//! The agent, `ztna`: its commands, its state on disk, the client of the control plane, and the tunnel.
//!
//! It knows a control plane only by its HTTP API and a relay only by the frames of `ztna_protocol`, so that it works with
//! any implementation. It must not know the reference's rules or its database.
//!
//! [`main`] is the only entry point. Start reading with `commands/up/mod.rs` for the life of `ztna up`, and with
//! `tunnel/task/mod.rs` and `tunnel/core/mod.rs` for the data plane. README.md explains how to add a command,
//! `tunnel/README.md` the path of a packet.

mod checked;
mod cli;
mod clock;
mod commands;
mod console;
mod context;
mod control_client;
mod environment;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod host_name;
mod local_socket;
mod node_key;
mod relative_time;
mod secret;
mod state;
mod table;
mod tunnel;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs one command of the agent and returns the process's exit code: 0 on success, 1 on failure (with the
/// reason on standard error), 2 on wrong usage.
///
/// `args` excludes the program's name. Reads the environment, but neither `argv[0]` nor the executable's path.
/// Builds its own runtime, so it must not be called from inside one.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match cli::parse(args) {
        Ok(cli) => cli,
        Err(usage) => return usage.report(),
    };
    start_log(cli.global.log);
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::print_warning(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(cli: cli::Cli) -> Result<(), error::AgentError> {
    let context = context::Context::new(cli.global, environment::Environment::read())?;
    commands::run(&context, cli.command)
}

/// Logs the agent's own events only: those of its libraries may contain bytes from the wire.
fn start_log(level: Option<tracing::level_filters::LevelFilter>) {
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;

    let Some(level) = level else { return };
    let own = tracing_subscriber::filter::Targets::new().with_target("ztna_agent", level);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        // Otherwise a closed standard error would cause a panic.
        .log_internal_errors(false);
    // Fails if the embedding process has installed a subscriber, which then stays.
    let _ = tracing_subscriber::registry().with(lines).with(own).try_init();
}
