//! A program that is running or has ended.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::wait::PATIENCE;

/// A running program; killed when dropped.
pub(crate) struct Process {
    child: Child,
    said: Arc<Said>,
}

/// The lines of standard output and standard error so far, in the order in which they came.
#[derive(Default)]
struct Said {
    lines: Mutex<Lines>,
    more: Condvar,
}

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    /// How many of the two streams have ended.
    closed: usize,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Said::default());
        said.listen(child.stdout.take().unwrap());
        said.listen(child.stderr.take().unwrap());
        Self { child, said }
    }

    /// Waits for a line that contains `text` and returns it.
    ///
    /// # Panics
    /// If the program ends first, or after [`PATIENCE`].
    pub(crate) fn until(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut said = self.said.lines.lock().unwrap();
        loop {
            if let Some(line) = said.lines.iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && said.closed < 2, "no line contains {text:?}: {:#?}", said.lines);
            said = self.said.more.wait_timeout(said, left).unwrap().0;
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.said.lines.lock().unwrap().lines.clone()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Kills it with SIGKILL and waits for its end.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn end(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A failed test shows the output.
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
    /// `None` if it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Runs a command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Its standard output, if it succeeded.
    ///
    /// # Panics
    /// If it failed.
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self.stdout
    }
}
