//! A host name for one process: what a machine is called whose agent is given no name.
//!
//! The program starts itself again with a hidden subcommand, enters a namespace in which the host has another name (one of a
//! user's own if it may not otherwise), and becomes the agent. A process with several threads cannot enter a user namespace.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

/// The hidden subcommand: `NAME [PROGRAM ARGUMENT…]`.
const SUBCOMMAND: &str = "__host";
const PROBE: &str = "probe";
/// Exit codes of shells for a program that could not be prepared, or not be started.
const NOT_PREPARED: u8 = 125;
const NOT_STARTED: u8 = 126;

/// Whether this program's `main` handles the subcommand.
static IS_HANDLED: OnceLock<()> = OnceLock::new();
static CHECKED: OnceLock<Result<(), HostNameError>> = OnceLock::new();

/// Why the kit cannot give a process a host name of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostNameError {
    #[error("this program does not start itself")]
    NotHandled,
    #[error("{0}")]
    Refused(String),
}

/// Runs the hidden subcommand if the arguments ask for it. Every program that starts agents must call it first in `main`.
pub fn handle(arguments: &[OsString]) -> Option<ExitCode> {
    let _ = IS_HANDLED.set(());
    let (first, words) = arguments.split_first()?;
    (first == SUBCOMMAND).then(|| start(words))
}

/// Checks once whether processes can have a host name of their own.
///
/// # Errors
/// The kernel refuses it, or this is not Linux.
pub fn check() -> Result<(), HostNameError> {
    CHECKED
        .get_or_init(|| if IS_HANDLED.get().is_some() { try_out() } else { Err(HostNameError::NotHandled) })
        .clone()
}

/// Returns the program and arguments that start a program on a host of that name.
pub(crate) fn on_host(name: &str, program: OsString, arguments: Vec<OsString>) -> (OsString, Vec<OsString>) {
    let words = [SUBCOMMAND.into(), name.into(), program];
    (own_program(), words.into_iter().chain(arguments).collect())
}

fn try_out() -> Result<(), HostNameError> {
    let refused = |why: String| HostNameError::Refused(why);
    let output = Command::new(own_program()).args([SUBCOMMAND, PROBE]).output();
    let output = output.map_err(|cause| refused(cause.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(refused(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// The link in `/proc` still leads to this program after a rebuild has replaced its file.
fn own_program() -> OsString {
    let link = Path::new("/proc/self/exe");
    if link.exists() { link.into() } else { std::env::current_exe().unwrap_or_default().into_os_string() }
}

fn start(words: &[OsString]) -> ExitCode {
    let Some((name, command)) = words.split_first() else { return ExitCode::from(NOT_PREPARED) };
    if let Err(error) = enter(name) {
        return fail(&error.to_string(), NOT_PREPARED);
    }
    let Some((program, arguments)) = command.split_first() else { return ExitCode::SUCCESS };
    let error = std::os::unix::process::CommandExt::exec(Command::new(program).args(arguments));
    fail(&format!("failed to start {}: {error}", program.display()), NOT_STARTED)
}

/// Nobody else reports what happens in this process.
fn fail(message: &str, code: u8) -> ExitCode {
    let _ = writeln!(io::stderr(), "{message}");
    ExitCode::from(code)
}

/// Moves this process, which has one thread, into a namespace with that host name.
#[cfg(target_os = "linux")]
fn enter(name: &OsString) -> io::Result<()> {
    use nix::sched::{CloneFlags, unshare};
    let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let failed = |what: &str, cause: io::Error| io::Error::new(cause.kind(), format!("{what}: {cause}"));
    if unshare(CloneFlags::CLONE_NEWUTS).is_err() {
        let flags = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWUTS;
        unshare(flags).map_err(|cause| failed("failed to create a user namespace", cause.into()))?;
        // The same user inside as outside. Without `deny`, a user may not map the group.
        for (file, text) in [
            ("setgroups", "deny".to_owned()),
            ("uid_map", format!("{user} {user} 1")),
            ("gid_map", format!("{group} {group} 1")),
        ] {
            std::fs::write(format!("/proc/self/{file}"), text)
                .map_err(|cause| failed(&format!("failed to write {file} of a user namespace"), cause))?;
        }
    }
    nix::unistd::sethostname(name).map_err(|cause| failed("failed to set a host name", cause.into()))
}

#[cfg(not(target_os = "linux"))]
fn enter(_name: &OsString) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "host names of processes need Linux"))
}
