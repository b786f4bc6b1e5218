//! Finds background processes that `shell` steps left in sessions of their own.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// Kills every process whose environment mentions the machine's folder, which only its own processes know.
/// Finds nothing on systems without `/proc`.
pub(super) fn kill(folder: &Path) {
    for process in processes(folder.as_os_str()) {
        let _ = kill_process(process, Signal::KILL);
    }
}

fn processes(folder: &OsStr) -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let own = std::process::id();
    numbers
        .filter(|number| u32::try_from(*number).is_ok_and(|number| number != own))
        // Processes of other users are unreadable, and not the kit's.
        .filter(|number| {
            std::fs::read(format!("/proc/{number}/environ"))
                .is_ok_and(|environment| mentions(&environment, folder.as_bytes()))
        })
        .filter_map(Pid::from_raw)
        .collect()
}

/// Whether a variable's value is the folder or a path inside it.
fn mentions(environment: &[u8], folder: &[u8]) -> bool {
    environment.split(|byte| *byte == 0).any(|variable| {
        let value = variable.iter().position(|byte| *byte == b'=').and_then(|at| variable.get(at + 1..));
        let rest = value.and_then(|value| value.strip_prefix(folder));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_matches_the_folder_and_paths_inside_it() {
        for (environment, expected) in [
            (&b"A=1\0HOME=/t/3/Linux-C\0"[..], true),
            (b"ZTNA_STATE_DIR=/t/3/Linux-C/state", true),
            (b"HOME=/t/3/Linux-C2\0", false),
            (b"PATH=/bin:/t/3/Linux-C\0", false),
            (b"/t/3/Linux-C\0", false),
            (b"", false),
        ] {
            assert_eq!(mentions(environment, b"/t/3/Linux-C"), expected, "{environment:?}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn kill_ends_processes_of_other_sessions() {
        let folder = tempfile::tempdir().unwrap();
        let mut child =
            std::process::Command::new("sleep").arg("60").env("HOME", folder.path()).spawn().unwrap();
        while processes(folder.path().as_os_str()).is_empty() {
            std::thread::yield_now(); // between fork and exec the child has this process's environment
        }
        kill(folder.path());
        assert!(!child.wait().unwrap().success());
    }
}
