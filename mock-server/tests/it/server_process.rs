//! `mock-server serve` as a program of its own.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::wait::eventually;

/// A running `mock-server serve`; killed when dropped.
pub(crate) struct ServerProcess {
    child: Child,
    ready: Value,
}

impl ServerProcess {
    /// Starts it with these arguments and waits until it answers. Its ready file stands in `folder`.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Self::command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self::spawn(folder, command)
    }

    /// The command that starts it, for a test that wants its output or another environment.
    pub(crate) fn command(arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mock-server"));
        command.arg("serve").args(arguments).stdin(Stdio::null());
        command
    }

    pub(crate) fn spawn(folder: &Path, mut command: Command) -> Self {
        let file = folder.join("ready.json");
        // That of a server which has ended.
        let _ = std::fs::remove_file(&file);
        let mut child = command.arg("--ready-file").arg(&file).spawn().unwrap();
        eventually(|| {
            assert_eq!(child.try_wait().unwrap(), None, "mock-server ended before it was ready");
            file.exists()
        });
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "the ready file holds tokens");
        Self { child, ready: serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap() }
    }

    /// What its ready file says there.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.ready.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer}"))
    }

    /// A value of its memory in bytes, such as VmHWM, the highest resident set.
    pub(crate) fn memory(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        let kib: u64 = line.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
        kib * 1024
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn ready(&self) -> &Value {
        &self.ready
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        eventually(|| {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
