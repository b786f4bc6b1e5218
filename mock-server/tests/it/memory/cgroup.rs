//! A control group that limits the memory of programs, of version 1 or 2.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

const ROOT: &str = "/sys/fs/cgroup";
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Removed when dropped; its programs must have ended.
pub(super) struct Cgroup {
    folder: PathBuf,
    peak: &'static str,
    events: &'static str,
}

impl Cgroup {
    /// Creates a group with this limit in bytes. Where that is impossible, says so on standard error, past the capture of
    /// tests, and returns `None`: the test is then skipped.
    pub(super) fn new(limit: u64) -> Option<Self> {
        match Self::create(limit) {
            Ok(group) => Some(group),
            Err(reason) => {
                let test = std::thread::current().name().unwrap_or("a test").to_owned();
                let _ = writeln!(std::io::stderr(), "skipped {test}: no control group for memory: {reason}");
                None
            }
        }
    }

    fn create(limit: u64) -> std::io::Result<Self> {
        let name = format!("ztna-test-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let first = Path::new(ROOT).join("memory");
        let (parent, limits, peak, events) = if first.join("memory.limit_in_bytes").exists() {
            (first, "memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control")
        } else {
            // Without the controller in the parent, its files do not exist below.
            let _ = std::fs::write(Path::new(ROOT).join("cgroup.subtree_control"), "+memory");
            (PathBuf::from(ROOT), "memory.max", "memory.peak", "memory.events")
        };
        let folder = parent.join(name);
        std::fs::create_dir(&folder)?;
        let group = Self { folder, peak, events };
        std::fs::write(group.folder.join(limits), limit.to_string())?;
        Ok(group)
    }

    /// The command that runs `command` in the group, with its environment.
    pub(super) fn limited(&self, command: &Command) -> Command {
        let mut limited = Command::new("sh");
        limited.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]);
        limited.arg(self.folder.join("cgroup.procs")).arg(command.get_program()).args(command.get_args());
        limited.env_clear().env("PATH", "/usr/bin:/bin");
        limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        limited
    }

    /// The highest use so far in bytes, with the pages of files.
    pub(super) fn peak(&self) -> Option<u64> {
        std::fs::read_to_string(self.folder.join(self.peak)).ok()?.trim().parse().ok()
    }

    /// How many programs were killed because the limit was reached.
    pub(super) fn killed(&self) -> u64 {
        let events = std::fs::read_to_string(self.folder.join(self.events)).unwrap_or_default();
        let killed = events.lines().find_map(|line| line.strip_prefix("oom_kill "));
        killed.and_then(|number| number.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let removed = (0..100).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            std::fs::remove_dir(&self.folder).is_ok()
        });
        if !removed {
            let _ = writeln!(std::io::stderr(), "cannot remove {}", self.folder.display());
        }
    }
}
