//! A process that the kit started, on this host or in a container: collects its output as it arrives, waits for its end,
//! and kills its group on drop.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use harness_model::text::plain::plain;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

/// Bounds the memory that an endlessly printing process can take; further output is discarded.
const MAX_OUTPUT_BYTES: usize = 4 * 1024 * 1024;
/// How long to wait for the rest of the output: a grandchild may hold the pipes open after the process has ended.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);
/// A killed process ends at once; an engine that runs it may no longer answer.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// How a process is started.
#[derive(Clone)]
pub struct Launch {
    pub program: OsString,
    pub arguments: Vec<OsString>,
    /// The complete environment: nothing is inherited.
    pub environment: Vec<(OsString, OsString)>,
    pub directory: PathBuf,
}

/// A running or finished process.
#[derive(Debug)]
pub struct Process {
    place: Place,
    output: watch::Receiver<Output>,
    readers: Vec<JoinHandle<()>>,
}

/// A process that somebody else runs, and how that is done.
#[derive(Debug)]
pub struct Remote {
    /// The exit status once it has ended. A sender that is gone counts as killed.
    pub status: watch::Receiver<Option<ExitStatus>>,
    pub signals: mpsc::UnboundedSender<RemoteSignal>,
}

/// What a [`Remote`] process may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteSignal {
    Interrupt,
    /// For the whole process group.
    Kill,
}

#[derive(Debug)]
enum Place {
    Local { child: Child, group: Option<Pid> },
    Remote(Remote),
}

#[derive(Debug, Default)]
struct Output {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// A line contains the text; the process is still running.
    Seen,
    Ended(ExitStatus),
    TimedOut,
}

impl Process {
    /// Starts a process in its own process group, without standard input.
    pub fn start(launch: &Launch) -> std::io::Result<Self> {
        let mut child = Command::new(&launch.program)
            .args(&launch.arguments)
            .env_clear()
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&launch.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let (sender, output) = watch::channel(Output::default());
        let readers = vec![
            spawn_reader(child.stdout.take(), sender.clone(), |output| &mut output.stdout),
            spawn_reader(child.stderr.take(), sender, |output| &mut output.stderr),
        ];
        Ok(Self { place: Place::Local { child, group }, output, readers })
    }

    /// Takes over a process that somebody else has started.
    pub fn remote<R>(remote: Remote, stdout: R, stderr: R) -> Self
    where
        R: AsyncRead + Unpin + Send + 'static,
    {
        let (sender, output) = watch::channel(Output::default());
        let readers = vec![
            spawn_reader(Some(stdout), sender.clone(), |output| &mut output.stdout),
            spawn_reader(Some(stderr), sender, |output| &mut output.stderr),
        ];
        Self { place: Place::Remote(remote), output, readers }
    }

    /// Waits until a complete line of the output contains the text.
    pub async fn wait_for(&mut self, text: &str, limit: Duration) -> Waited {
        let mut output = self.output.clone();
        let deadline = Instant::now() + limit;
        let seen = tokio::select! {
            biased;
            found = output.wait_for(|output| output.has_line(text)) => found.is_ok(),
            () = tokio::time::sleep_until(deadline) => false,
        };
        if seen {
            return Waited::Seen;
        }
        // Either both pipes have closed or the time is over: see whether the process has ended.
        match timeout_at(deadline.max(Instant::now() + DRAIN_TIMEOUT), self.place.wait()).await {
            Ok(Ok(status)) => Waited::Ended(status),
            _ if self.output.borrow().contains(text) => Waited::Seen,
            _ => Waited::TimedOut,
        }
    }

    /// Waits until `look` finds something in the output's complete lines, standard output first.
    pub async fn find<T>(&mut self, look: impl Fn(&str) -> Option<T>, limit: Duration) -> Option<T> {
        let mut output = self.output.clone();
        let seen = |output: &Output| {
            let lines = complete_lines(&output.stdout) + &complete_lines(&output.stderr);
            look(&plain(&lines))
        };
        let found = timeout(limit, output.wait_for(|output| seen(output).is_some())).await.ok()?.ok()?;
        seen(&found)
    }

    /// Waits for the process to end and for the rest of its output. Returns `None` if it is still running after `limit`.
    pub async fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let status = timeout(limit, self.place.wait()).await.ok()?.ok()?;
        self.drain().await;
        Some(status)
    }

    /// Interrupts the process as Ctrl-C does.
    pub fn interrupt(&self) {
        self.place.signal(RemoteSignal::Interrupt);
    }

    pub fn has_ended(&mut self) -> bool {
        match &mut self.place {
            Place::Local { child, .. } => matches!(child.try_wait(), Ok(Some(_))),
            Place::Remote(remote) => remote.status.borrow().is_some(),
        }
    }

    /// Interrupts the process as Ctrl-C does, and kills it if it is still running after `grace`.
    pub async fn stop(&mut self, grace: Duration) {
        self.interrupt();
        if self.wait(grace).await.is_none() {
            self.kill().await;
        }
    }

    /// Kills the whole process group.
    pub async fn kill(&mut self) {
        self.place.signal(RemoteSignal::Kill);
        let _ = timeout(KILL_TIMEOUT, self.place.wait()).await;
        self.drain().await;
    }

    /// Returns standard output and standard error so far.
    pub fn output(&self) -> (String, String) {
        let output = self.output.borrow();
        (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }

    async fn drain(&mut self) {
        for reader in &mut self.readers {
            if timeout(DRAIN_TIMEOUT, &mut *reader).await.is_err() {
                reader.abort();
            }
        }
        self.readers.clear();
    }
}

impl Place {
    async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        match self {
            Self::Local { child, .. } => child.wait().await,
            Self::Remote(remote) => match remote.status.wait_for(Option::is_some).await {
                Ok(status) => Ok(status.unwrap_or_default()),
                Err(_) => Ok(ExitStatus::from_raw(Signal::KILL.as_raw())),
            },
        }
    }

    fn signal(&self, signal: RemoteSignal) {
        match self {
            Self::Local { child, group } => {
                let signal = match signal {
                    RemoteSignal::Interrupt => Signal::INT,
                    RemoteSignal::Kill => Signal::KILL,
                };
                // After the process has been reaped its id may belong to another process.
                if let (Some(group), Some(_)) = (*group, child.id()) {
                    let _ = kill_process_group(group, signal);
                }
            }
            // Whoever runs it is gone, and the process with it.
            Self::Remote(remote) => drop(remote.signals.send(signal)),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.place.signal(RemoteSignal::Kill);
    }
}

/// Without the environment and arguments, which may hold keys.
impl std::fmt::Debug for Launch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Launch").field(&self.program).finish()
    }
}

impl Output {
    fn has_line(&self, text: &str) -> bool {
        [&self.stdout, &self.stderr].into_iter().any(|bytes| plain(&complete_lines(bytes)).contains(text))
    }

    fn contains(&self, text: &str) -> bool {
        [&self.stdout, &self.stderr]
            .into_iter()
            .any(|bytes| plain(&String::from_utf8_lossy(bytes)).contains(text))
    }
}

/// Omits the last line while it is still being written.
fn complete_lines(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

fn spawn_reader<R>(
    source: Option<R>,
    sender: watch::Sender<Output>,
    stream: fn(&mut Output) -> &mut Vec<u8>,
) -> JoinHandle<()>
where
    R: AsyncRead + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        let Some(mut source) = source else { return };
        let mut buffer = vec![0; 8192];
        while let Ok(length) = source.read(&mut buffer).await {
            if length == 0 {
                break;
            }
            sender.send_modify(|output| {
                let kept = stream(output);
                if kept.len() < MAX_OUTPUT_BYTES {
                    kept.extend(buffer.iter().take(length));
                }
            });
        }
    })
}
