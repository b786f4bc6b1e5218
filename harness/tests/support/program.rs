//! The program under test, as a process.

use std::process::Command;
use std::time::{Duration, Instant};

/// How long a fact may take to come about.
const LIMIT: Duration = Duration::from_secs(60);

/// What changes the program's behaviour or its looks; a test that wants some of it sets it.
const AMBIENT: [&str; 10] = [
    "CI",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "GITHUB_ACTIONS",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_WORKSPACE",
    "HARNESS_SIGNING_PASSWORD",
    "NO_COLOR",
    "RUST_LOG",
];

/// The program, deaf to the environment that the tests happen to run in.
pub(crate) fn harness() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    for variable in AMBIENT {
        command.env_remove(variable);
    }
    command
}

/// What `look` finds, as soon as it does.
#[allow(dead_code, reason = "some tests only wait for the program's end")]
pub(crate) fn awaited<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        match look() {
            Some(found) => return found,
            None if Instant::now() > deadline => panic!("{what}: not within {LIMIT:?}"),
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Presses Ctrl-C for a process.
#[allow(dead_code, reason = "some tests let the program come to its end")]
pub(crate) fn interrupt(pid: u32) {
    let status = Command::new("kill").args(["-INT", &pid.to_string()]).status().unwrap();
    assert!(status.success());
}
