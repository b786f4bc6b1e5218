//! One process that the kit started: its output as it comes, its end, and no trace of it afterwards.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

/// A process that prints without end must not take the kit's memory with it.
const LONGEST_OUTPUT: usize = 4 * 1024 * 1024;
/// A grandchild may hold the pipes open after the process itself is gone.
const DRAIN: Duration = Duration::from_millis(500);

/// What to start.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Its working folder.
    pub directory: PathBuf,
}

/// A process that runs, or ran.
#[derive(Debug)]
pub struct Process {
    child: Child,
    group: Option<Pid>,
    output: watch::Receiver<Output>,
    readers: Vec<JoinHandle<()>>,
}

/// What a process wrote so far.
#[derive(Debug, Default)]
struct Output {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Why waiting for a text ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// A line has the text; the process goes on.
    Seen,
    /// The process ended first.
    Ended(ExitStatus),
    /// Neither happened in time.
    TimedOut,
}

impl Process {
    /// Starts a process in a group of its own, without standard input.
    ///
    /// # Errors
    /// When the program cannot be started.
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
            read(child.stdout.take(), sender.clone(), |output| &mut output.stdout),
            read(child.stderr.take(), sender, |output| &mut output.stderr),
        ];
        Ok(Self { child, group, output, readers })
    }

    /// Waits until a whole line of the output contains the text.
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
        // Both pipes closed, or time is over: what remains is how it ended.
        match timeout_at(deadline.max(Instant::now() + DRAIN), self.child.wait()).await {
            Ok(Ok(status)) => Waited::Ended(status),
            _ if self.output.borrow().contains(text) => Waited::Seen,
            _ => Waited::TimedOut,
        }
    }

    /// Waits until the output's whole lines, standard output first, have what is looked for.
    pub async fn find<T>(&mut self, look: impl Fn(&str) -> Option<T>, limit: Duration) -> Option<T> {
        let mut output = self.output.clone();
        let seen = |output: &Output| look(&(whole_lines(&output.stdout) + &whole_lines(&output.stderr)));
        let found = timeout(limit, output.wait_for(|output| seen(output).is_some())).await.ok()?.ok()?;
        seen(&found)
    }

    /// Waits for its end and for the last of its output; none if it did not end in time.
    pub async fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let status = timeout(limit, self.child.wait()).await.ok()?.ok()?;
        self.drain().await;
        Some(status)
    }

    /// Asks it to stop as a person does with Ctrl-C, and makes it stop when it has not after `grace`.
    pub async fn stop(&mut self, grace: Duration) {
        self.signal(Signal::INT);
        if self.wait(grace).await.is_none() {
            self.kill().await;
        }
    }

    /// Ends it and whatever it started, at once.
    pub async fn kill(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait().await;
        self.drain().await;
    }

    /// Standard output and standard error so far.
    pub fn output(&self) -> (String, String) {
        let output = self.output.borrow();
        (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }

    async fn drain(&mut self) {
        for reader in &mut self.readers {
            if timeout(DRAIN, &mut *reader).await.is_err() {
                reader.abort();
            }
        }
        self.readers.clear();
    }

    fn signal(&self, signal: Signal) {
        // Once reaped the number may belong to somebody else.
        if let (Some(group), Some(_)) = (self.group, self.child.id()) {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

impl Output {
    fn has_line(&self, text: &str) -> bool {
        [&self.stdout, &self.stderr].into_iter().any(|bytes| whole_lines(bytes).contains(text))
    }

    fn contains(&self, text: &str) -> bool {
        [&self.stdout, &self.stderr].into_iter().any(|bytes| String::from_utf8_lossy(bytes).contains(text))
    }
}

/// A line that is still being written may lack just what matters.
fn whole_lines(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

fn read<R>(
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
                if kept.len() < LONGEST_OUTPUT {
                    kept.extend(buffer.iter().take(length));
                }
            });
        }
    })
}
