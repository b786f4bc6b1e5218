//! Starts the reference's agent and passes on what it says, bent.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::embedded::AGENT_SUBCOMMAND;

use super::detour::Detour;
use crate::deviation::{Call, Wrapping};

/// Runs the call to its end.
pub(super) fn run(call: Call, wrapping: Wrapping, mark: PathBuf) -> io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(Wrapped { wrapping, mark }.run(call))
}

struct Wrapped {
    wrapping: Wrapping,
    /// The file by which others learn that something was bent.
    mark: PathBuf,
}

impl Wrapped {
    async fn run(&self, mut call: Call) -> io::Result<ExitCode> {
        let asked = call.clone();
        (self.wrapping.before)(&mut call);
        self.tell_if(call != asked);
        let detour = match self.wrapping.ask.filter(|_| !call.is("up")) {
            Some(ask) => Detour::begin(ask, &mut call).await?,
            None => None,
        };
        // A signal goes to the whole group: the agent hears it too, and its end is waited for.
        let _kept = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
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
            tokio::join!(self.pass(&call, stdout, io::stdout()), self.pass(&call, stderr, io::stderr()));
        out.and(err)?;
        let status = child.wait().await?;
        self.tell_if(detour.is_some_and(Detour::end));
        call.exit = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX);
        let ended = call.clone();
        (self.wrapping.end)(&mut call);
        self.tell_if(call != ended);
        Ok(ExitCode::from(call.exit))
    }

    async fn pass<R>(&self, call: &Call, source: Option<R>, mut to: impl Write) -> io::Result<()>
    where
        R: AsyncRead + Unpin,
    {
        let Some(source) = source else { return Ok(()) };
        let mut source = BufReader::new(source);
        loop {
            let mut text = String::new();
            // Who waits for these two reads along; what the others say is only known as a whole.
            let length = match call.is("up") || call.is("login") {
                true => source.read_line(&mut text).await?,
                false => source.read_to_string(&mut text).await?,
            };
            if length == 0 {
                return Ok(());
            }
            let bent = (self.wrapping.text)(call, &text);
            self.tell_if(bent != text);
            to.write_all(bent.as_bytes())?;
            to.flush()?;
        }
    }

    fn tell_if(&self, bent: bool) {
        if bent && !self.mark.as_os_str().is_empty() {
            // Nobody to tell: then the self-test says that nothing deviated.
            let _ = std::fs::write(&self.mark, "");
        }
    }
}
