//! The agent, `ztna`: its commands, what it keeps on disk, how it talks to the control plane, and its tunnel.
//!
//! It knows a control plane by HTTP only, so that it works with any: neither the reference's rules nor its database are
//! here, and no relay but through the frames of `ztna_protocol`.
//!
//! [`main`] is the only entry. README.md tells how to add a command, `tunnel/README.md` a packet's way.

mod cli;
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

/// Runs one command of the agent and returns the process's exit code: 0 done, 1 failed (the reason is one
/// line on standard error), 2 wrong usage.
///
/// `args` are the arguments after the program's name. The environment is read; neither `argv[0]` nor the
/// executable's path is. It builds a runtime of its own, so it must not be called from inside one.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match cli::parse(args) {
        Ok(cli) => cli,
        Err(usage) => return usage.report(),
    };
    start_log(cli.global.log);
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::warn(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(cli: cli::Cli) -> Result<(), error::AgentError> {
    let context = context::Context::new(cli.global, environment::Environment::read())?;
    commands::run(&context, cli.command)
}

/// Only the agent's own events: those of the libraries below it may carry bytes from the wire.
fn start_log(level: Option<tracing::level_filters::LevelFilter>) {
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;

    let Some(level) = level else { return };
    let own = tracing_subscriber::filter::Targets::new().with_target("ztna_agent", level);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        // A standard error that nobody reads would be a panic.
        .log_internal_errors(false);
    // A log already installed by the embedding process stays.
    let _ = tracing_subscriber::registry().with(lines).with(own).try_init();
}
