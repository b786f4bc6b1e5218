//! `harness serve`: starts the reference for interactive use.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use harness_reference::embedded::{ServeOptions, Served, serve as start};
use harness_reference::front_proxy::FrontProxy;
use harness_report::exit_code::ExitCode;

use super::deviation;
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::value::address;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0", value_parser = address)]
    listen: SocketAddr,
    /// The database: sqlite::memory:, sqlite:PATH or postgres://[USER@]HOST[:PORT]/NAME
    #[arg(long, value_name = "URL", default_value = "sqlite::memory:")]
    database: String,
    /// Put a deliberate deviation in front of the reference, such as count-frozen
    #[arg(long, value_name = "ID")]
    deviation: Option<String>,
    /// Write base URL and credentials to FILE once the reference is ready
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

pub(in crate::cli) async fn serve(arguments: Arguments, console: &Console) -> Result<ExitCode, CliError> {
    let deviation = arguments.deviation.as_deref().map(|id| deviation::activate(id, console)).transpose()?;
    let agent = deviation.as_ref().and_then(|deviation| deviation.agent_arguments()).unwrap_or_default();
    let options = ServeOptions {
        front: deviation.map(|deviation| -> Arc<dyn FrontProxy> { deviation }),
        listen: arguments.listen,
        database: arguments.database,
        ready_file: arguments.ready_file,
    };
    let served = start(options).await?;
    // Listened for before anybody can know that it is there.
    let end = end();
    console.print(&(shell_lines(&served) + &deviant_agent(&agent)));
    end.await;
    served.stop().await;
    Ok(ExitCode::Conformant)
}

/// Returns shell lines: assignments and comments.
fn shell_lines(served: &Served) -> String {
    let mut text = format!(
        "# The reference listens at {} until Ctrl-C. Paste this into another shell:\n",
        served.base_url()
    );
    for (name, value) in served.variables() {
        text.push_str(&format!("export {name}={}\n", shell_words::quote(&value)));
    }
    text.push_str(
        "# The documented curl commands work there with $BASE_URL instead of https://login.quickztna.com,\n\
         # the `ztna` commands as they are.\n",
    );
    text
}

/// Returns shell lines that define the deviating agent as `ztna`, if it is the agent that deviates.
fn deviant_agent(words: &[OsString]) -> String {
    if words.is_empty() {
        return String::new();
    }
    let program = std::env::current_exe().unwrap_or_else(|_| "harness".into()).into_os_string();
    let line: Vec<_> = std::iter::once(&program)
        .chain(words)
        .map(|word| shell_words::quote(&word.to_string_lossy()).into_owned())
        .collect();
    format!("# The agent deviates:\nalias ztna={}\n", shell_words::quote(&line.join(" ")))
}

/// Listens for Ctrl-C and SIGTERM at once, and returns what waits for either.
fn end() -> impl Future<Output = ()> {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async {
        match signals {
            (Ok(mut interrupt), Ok(mut terminate)) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            _ => std::future::pending().await,
        }
    }
}
