use std::process::Command;
use std::time::{Duration, Instant};

/// The deadline of every wait; generous, since tests share the machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Variables that change the program's behaviour or output. Tests set those that they need.
const AMBIENT: [&str; 10] = [
    "CI",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "GITHUB_ACTIONS",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_WORKSPACE",
    "INSTA_UPDATE",
    "NO_COLOR",
    "RUST_LOG",
];

/// The program, isolated from the environment of the test run.
pub(crate) fn harness() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    for variable in AMBIENT {
        command.env_remove(variable);
    }
    let defaults = std::env::vars_os().map(|(name, _)| name);
    for name in defaults.filter(|name| name.to_string_lossy().starts_with("HARNESS_")) {
        command.env_remove(name);
    }
    command
}

/// Calls `look` until it finds something.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        match look() {
            Some(found) => return found,
            None if Instant::now() > deadline => panic!("{what}: not within {LIMIT:?}"),
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Sends SIGINT, as Ctrl-C does.
pub(crate) fn interrupt(pid: u32) {
    let status = Command::new("kill").args(["-INT", &pid.to_string()]).status().unwrap();
    assert!(status.success());
}
