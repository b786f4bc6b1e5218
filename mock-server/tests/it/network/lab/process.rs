//! A program that runs, or has run.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::PATIENCE;

/// A program that runs; killed when dropped.
pub(crate) struct Process {
    child: Child,
    said: Arc<Said>,
}

/// What a program wrote so far, standard output and standard error in the order in which they came.
#[derive(Default)]
struct Said {
    lines: Mutex<Lines>,
    more: Condvar,
}

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    /// Of the two streams.
    closed: usize,
}

impl Process {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Said::default());
        said.listen(child.stdout.take().unwrap());
        said.listen(child.stderr.take().unwrap());
        Self { child, said }
    }

    /// Waits until it wrote a line that contains `text`.
    ///
    /// # Panics
    /// If it ends before, or takes too long.
    pub(crate) fn until(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut said = self.said.lines.lock().unwrap();
        loop {
            if let Some(line) = said.lines.iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && said.closed < 2, "it did not say {text:?}: {:#?}", said.lines);
            said = self.said.more.wait_timeout(said, left).unwrap().0;
        }
    }

    /// The lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.said.lines.lock().unwrap().lines.clone()
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Kills it as `kill -9` does, and waits for its end.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // What a failed test wants to be known.
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "{} said: {:#?}", self.child.id(), self.lines());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Said {
    fn listen(self: &Arc<Self>, stream: impl Read + Send + 'static) {
        let said = Arc::clone(self);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                said.lines.lock().unwrap().lines.push(line);
                said.more.notify_all();
            }
            said.lines.lock().unwrap().closed += 1;
            said.more.notify_all();
        });
    }
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code, if it was not killed.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Ended {
    /// Runs it to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Its standard output.
    ///
    /// # Panics
    /// If it failed.
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self.stdout
    }
}
