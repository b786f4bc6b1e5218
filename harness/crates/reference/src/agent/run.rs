//! Starts the reference's agent and passes its output on, changed.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::deviation::{AgentCall, AgentDeviation};
use crate::embedded::AGENT_SUBCOMMAND;

use super::call_proxy::CallProxy;

/// Runs the call to its end.
pub(super) fn run(call: AgentCall, deviation: AgentDeviation, trigger_file: PathBuf) -> io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(DeviatingAgent { deviation, trigger_file }.run(call))
}

struct DeviatingAgent {
    deviation: AgentDeviation,
    /// Tells the self-test, another process, that something was changed.
    trigger_file: PathBuf,
}

impl DeviatingAgent {
    async fn run(&self, mut call: AgentCall) -> io::Result<ExitCode> {
        let original = call.clone();
        (self.deviation.before_start)(&mut call);
        self.trigger_if(call != original);
        let proxy = match self.deviation.on_request.filter(|_| !call.is_command("up")) {
            Some(on_request) => CallProxy::start(on_request, &mut call).await?,
            None => None,
        };
        // Signals go to the whole process group: the agent handles them, and this process outlives it.
        let _ignored = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(AGENT_SUBCOMMAND).args(&call.words);
        for (name, value) in &call.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (out, err) =
            tokio::join!(self.copy(&call, stdout, io::stdout()), self.copy(&call, stderr, io::stderr()));
        out.and(err)?;
        let status = child.wait().await?;
        self.trigger_if(proxy.is_some_and(CallProxy::stop));
        call.exit_code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX);
        let ended = call.clone();
        (self.deviation.after_exit)(&mut call);
        self.trigger_if(call != ended);
        Ok(ExitCode::from(call.exit_code))
    }

    async fn copy<R>(&self, call: &AgentCall, from: Option<R>, mut to: impl Write) -> io::Result<()>
    where
        R: AsyncRead + Unpin,
    {
        let Some(from) = from else { return Ok(()) };
        let mut from = BufReader::new(from);
        loop {
            let mut text = String::new();
            // Whoever runs these two waits for single lines; other commands are read to their end.
            let length = match call.is_command("up") || call.is_command("login") {
                true => from.read_line(&mut text).await?,
                false => from.read_to_string(&mut text).await?,
            };
            if length == 0 {
                return Ok(());
            }
            let changed = (self.deviation.rewrite_output)(call, &text);
            self.trigger_if(changed != text);
            to.write_all(changed.as_bytes())?;
            to.flush()?;
        }
    }

    fn trigger_if(&self, changed: bool) {
        if changed && !self.trigger_file.as_os_str().is_empty() {
            // If this fails the self-test reports that the deviation changed nothing.
            let _ = std::fs::write(&self.trigger_file, "");
        }
    }
}
