//! The server that is asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::routing::get;

use super::Failure;

/// The variable that makes this program the server.
pub(crate) const SERVES: &str = "HARNESS_BENCH_SERVES";
const ANSWER: &str = r#"{"success":true,"data":[{"id":"9f0c1d8e-2f43-4c39-9a61-0a4f4b1c2d3e","name":"bench","used_count":0}]}"#;

/// Serves the same answer until standard input ends.
pub(crate) async fn serve() -> Result<(), Failure> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(std::io::stdout(), "http://{}", listener.local_addr()?)?;
    let json = [("content-type", "application/json")];
    let router = Router::new().route("/api/db/keys", get(move || async move { (json, ANSWER) }));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    server.abort();
    Ok(())
}

/// A server in a process of its own.
pub(crate) struct Server {
    child: Child,
    pub(crate) base_url: String,
}

impl Server {
    pub(crate) fn start() -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.env(SERVES, "1").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut base_url = String::new();
        let stdout = child.stdout.take().ok_or("no output of the server")?;
        BufReader::new(stdout).read_line(&mut base_url)?;
        Ok(Self { child, base_url: base_url.trim().to_owned() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
