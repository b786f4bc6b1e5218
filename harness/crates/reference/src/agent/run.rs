//! Starts the reference's agent and passes its output on, changed.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

use futures::FutureExt as _;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::deviation::{AgentCall, AgentDeviation, Deviation, UNCHANGED};
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
        let proxy = match self.traffic(&call) {
            Some(deviation) => CallProxy::start(deviation, &mut call).await?,
            None => None,
        };
        // Signals go to the whole process group: the agent handles them, and this process outlives it.
        let mut interrupts = signal(SignalKind::interrupt())?;
        let mut terminations = signal(SignalKind::terminate())?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(AGENT_SUBCOMMAND).args(&call.words);
        for (name, value) in &call.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        call.printed = self.pass_output(&call, &mut child).await?;
        let status = child.wait().await?;
        call.exit_code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX);
        let interrupted = interrupts.recv().now_or_never().is_some();
        if (self.deviation.lingers)(&call, interrupted) {
            self.trigger_if(true);
            terminations.recv().await;
        }
        self.trigger_if(proxy.is_some_and(CallProxy::stop));
        let ended = call.clone();
        (self.deviation.after_exit)(&mut call);
        self.trigger_if(call != ended);
        Ok(ExitCode::from(call.exit_code))
    }

    /// What is changed in the call's requests and responses, if anything is.
    fn traffic(&self, call: &AgentCall) -> Option<Deviation> {
        let AgentDeviation { on_request, on_response, proxies, .. } = self.deviation;
        let changes = (on_request.is_some() || on_response.is_some()) && proxies(call);
        changes.then(|| Deviation {
            on_request: on_request.unwrap_or(UNCHANGED.on_request),
            on_response: on_response.unwrap_or(UNCHANGED.on_response),
            ..UNCHANGED
        })
    }

    /// Passes all output on, changed, and returns it. Kills the agent when its time has come.
    async fn pass_output(&self, call: &AgentCall, child: &mut Child) -> io::Result<String> {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (kill, printed) = (Notify::new(), RefCell::new(String::new()));
        let copying = async {
            tokio::join!(
                self.copy(call, stdout, io::stdout(), &kill, &printed),
                self.copy(call, stderr, io::stderr(), &kill, &printed)
            )
        };
        tokio::pin!(copying);
        let (out, err) = tokio::select! {
            copied = &mut copying => copied,
            () = kill.notified() => {
                child.start_kill()?;
                copying.await
            }
        };
        out.and(err)?;
        Ok(printed.take())
    }

    /// Passes the output on and collects it until it ends or the agent is to be killed.
    async fn copy<R>(
        &self,
        call: &AgentCall,
        from: Option<R>,
        mut to: impl Write,
        kill: &Notify,
        printed: &RefCell<String>,
    ) -> io::Result<()>
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
            printed.borrow_mut().push_str(&changed);
            if (self.deviation.ends_after)(call, &text) {
                self.trigger_if(true);
                kill.notify_one();
                return Ok(());
            }
        }
    }

    fn trigger_if(&self, changed: bool) {
        if changed && !self.trigger_file.as_os_str().is_empty() {
            // If this fails the self-test reports that the deviation changed nothing.
            let _ = std::fs::write(&self.trigger_file, "");
        }
    }
}
