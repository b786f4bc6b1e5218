//! `harness serve`: the reference for people, with what the documents' lines need.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::report::exit_code::ENVIRONMENT;
use crate::target::embedded::{ServeOptions, Served, serve as start};

use super::console::Console;

/// How the reference is started.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where it listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where its data lives: sqlite::memory: or sqlite:PATH
    #[arg(long, value_name = "URL", default_value = "sqlite::memory:")]
    database: String,
    /// Write where it is and who may use it to this file, once it answers
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

pub(super) async fn serve(arguments: Arguments, console: &Console) -> u8 {
    let options = ServeOptions {
        listen: arguments.listen,
        database: arguments.database,
        ready_file: arguments.ready_file,
    };
    let served = match start(options).await {
        Ok(served) => served,
        Err(error) => {
            console.complain(&error.to_string());
            return ENVIRONMENT;
        }
    };
    console.say(&shell_lines(&served));
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
