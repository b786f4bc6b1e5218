//! Processes in a container that can be interrupted, which an exec request of the engine alone cannot be.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::pin::Pin;
use std::process::ExitStatus;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use harness_runner::process::{Launch, Process, Remote, RemoteSignal};
use harness_runner::targets::in_container::{INTERRUPT, KILL, RUN, SCRIPT_VARIABLE, SIGNALLED, SUBCOMMAND};
use testcontainers::bollard::Docker;
use testcontainers::bollard::container::LogOutput;
use testcontainers::bollard::errors::Error as EngineError;
use testcontainers::bollard::exec::StartExecResults;
use testcontainers::bollard::models::ExecConfig;
use tokio::io::{AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::{mpsc, watch};

/// The kit in the machine's image.
pub(super) const KIT: &str = "/usr/local/bin/harness";

const BUFFER_BYTES: usize = 64 * 1024;
/// The engine notes an exit code shortly after the output has ended.
const EXIT_CODE_INTERVAL: Duration = Duration::from_millis(5);
const EXIT_CODE_ATTEMPTS: u32 = 400;

type Frames = Pin<Box<dyn Stream<Item = Result<LogOutput, EngineError>> + Send>>;

/// A process in a container, and both ends of the engine's connection to it.
struct Running {
    docker: Docker,
    exec: String,
    frames: Frames,
    input: Pin<Box<dyn AsyncWrite + Send>>,
    stdout: DuplexStream,
    stderr: DuplexStream,
    signals: mpsc::UnboundedReceiver<RemoteSignal>,
}

/// Starts a process in the container. A script goes to a file in its folder.
pub(super) async fn start(
    docker: &Docker,
    container: &str,
    launch: Launch,
    script: Option<String>,
) -> io::Result<Process> {
    let text = |word: &std::ffi::OsStr| word.to_string_lossy().into_owned();
    let command = [KIT, SUBCOMMAND, RUN].map(str::to_owned).into_iter();
    let command =
        command.chain([text(&launch.program)]).chain(launch.arguments.iter().map(|word| text(word)));
    let environment =
        launch.environment.iter().map(|(name, value)| format!("{}={}", text(name), text(value)));
    let script = script.map(|script| format!("{SCRIPT_VARIABLE}={script}"));
    let config = ExecConfig {
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(command.collect()),
        env: Some(environment.chain(script).collect()),
        working_dir: Some(launch.directory.display().to_string()),
        ..Default::default()
    };
    let exec = docker.create_exec(container, config).await.map_err(io::Error::other)?.id;
    let started = docker.start_exec(&exec, None).await.map_err(io::Error::other)?;
    let StartExecResults::Attached { output: frames, input } = started else {
        return Err(io::Error::other("the engine did not attach to the process"));
    };
    let (stdout, stdout_end) = duplex(BUFFER_BYTES);
    let (stderr, stderr_end) = duplex(BUFFER_BYTES);
    let (sender, signals) = mpsc::unbounded_channel();
    let (ended, status) = watch::channel(None);
    let running = Running { docker: docker.clone(), exec, frames, input, stdout, stderr, signals };
    tokio::spawn(async move {
        let status = running.finish().await;
        ended.send_replace(Some(status));
    });
    Ok(Process::remote(Remote { status, signals: sender }, stdout_end, stderr_end))
}

impl Running {
    /// Passes output and signals on until the output ends.
    async fn finish(mut self) -> ExitStatus {
        let mut is_watched = true;
        loop {
            tokio::select! {
                frame = self.frames.next() => match frame {
                    // Whoever read the output may be gone.
                    Some(Ok(LogOutput::StdErr { message })) => drop(self.stderr.write_all(&message).await),
                    Some(Ok(LogOutput::StdOut { message } | LogOutput::Console { message })) => {
                        drop(self.stdout.write_all(&message).await);
                    }
                    Some(Ok(LogOutput::StdIn { .. })) => {}
                    Some(Err(_)) | None => break,
                },
                signal = self.signals.recv(), if is_watched => match signal {
                    Some(signal) => {
                        let order = match signal { RemoteSignal::Interrupt => INTERRUPT, RemoteSignal::Kill => KILL };
                        let _ = self.input.write_all(&[order]).await;
                        let _ = self.input.flush().await;
                    }
                    None => is_watched = false,
                },
            }
        }
        exit_status(&self.docker, &self.exec).await
    }
}

/// A process whose container is gone counts as killed.
async fn exit_status(docker: &Docker, exec: &str) -> ExitStatus {
    for _ in 0..EXIT_CODE_ATTEMPTS {
        match docker.inspect_exec(exec).await {
            Ok(found) => {
                if let Some(code) = found.exit_code.filter(|_| found.running != Some(true)) {
                    return of_code(code);
                }
            }
            Err(_) => break,
        }
        tokio::time::sleep(EXIT_CODE_INTERVAL).await;
    }
    ExitStatus::from_raw(9)
}

/// Undoes what `in_container` makes of a signal. Lower numbers than those of signals are exit codes.
fn of_code(code: i64) -> ExitStatus {
    let code = i32::try_from(code).unwrap_or(i32::from(u8::MAX));
    match code - i32::from(SIGNALLED) {
        signal @ 1..=31 => ExitStatus::from_raw(signal),
        _ => ExitStatus::from_raw(code << 8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_and_signals_are_told_apart() {
        for (code, exit, signal) in [
            (0, Some(0), None),
            (1, Some(1), None),
            (126, Some(126), None),
            (137, None, Some(9)),
            (255, Some(255), None),
        ] {
            let status = of_code(code);
            assert_eq!((status.code(), status.signal()), (exit, signal), "{code}");
        }
    }
}
