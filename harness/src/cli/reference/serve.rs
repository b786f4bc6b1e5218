//! `harness serve`: the reference for people, with what the documents' lines need.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use harness_reference::embedded::{ServeError, ServeOptions, Served, serve as start};
use harness_reference::front::Front;
use harness_report::exit_code::{ENVIRONMENT, USAGE};

use super::deviation;
use crate::cli::console::Console;

/// How the reference is started.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Where it listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where its data lives: sqlite::memory: or sqlite:PATH
    #[arg(long, value_name = "URL", default_value = "sqlite::memory:")]
    database: String,
    /// Put a deliberate deviation in front of it, such as count-frozen
    #[arg(long, value_name = "ID")]
    deviation: Option<String>,
    /// Write where it is and who may use it to this file, once it answers
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

pub(in crate::cli) async fn serve(arguments: Arguments, console: &Console) -> u8 {
    let deviant = match arguments.deviation.as_deref().map(|id| deviation::named(id, console)).transpose() {
        Ok(deviant) => deviant,
        Err(code) => return code,
    };
    let agent = deviant.as_ref().and_then(|deviant| deviant.agent()).unwrap_or_default();
    let options = ServeOptions {
        front: deviant.map(|deviant| -> Arc<dyn Front> { deviant }),
        listen: arguments.listen,
        database: arguments.database,
        ready_file: arguments.ready_file,
    };
    let served = match start(options).await {
        Ok(served) => served,
        Err(error) => {
            console.complain(&error.to_string());
            return if matches!(error, ServeError::Usage(_)) { USAGE } else { ENVIRONMENT };
        }
    };
    console.say(&(shell_lines(&served) + &deviant_agent(&agent)));
    wait_for_end().await;
    served.stop().await;
    0
}

/// Lines for a shell; all that is not an assignment is a comment.
fn shell_lines(served: &Served) -> String {
    let mut text = format!(
        "# The reference answers at {} until Ctrl-C. Paste this into another shell:\n",
        served.base_url()
    );
    for (name, value) in served.variables() {
        text.push_str(&format!("export {name}={}\n", shell_words::quote(&value)));
    }
    text.push_str(
        "# The documents' curl lines work there once https://login.quickztna.com is replaced by $BASE_URL,\n\
         # and their `ztna` lines as they stand (cargo run -p mock-server --bin ztna -- …).\n",
    );
    text
}

/// How people get the agent that deviates.
fn deviant_agent(words: &[OsString]) -> String {
    if words.is_empty() {
        return String::new();
    }
    let program = std::env::current_exe().unwrap_or_else(|_| "harness".into()).into_os_string();
    let line: Vec<_> = std::iter::once(&program)
        .chain(words)
        .map(|word| shell_words::quote(&word.to_string_lossy()).into_owned())
        .collect();
    format!("# It is the agent that deviates:\nalias ztna={}\n", shell_words::quote(&line.join(" ")))
}

async fn wait_for_end() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        _ => std::future::pending().await,
    }
}
