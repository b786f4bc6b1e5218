//! What this program does inside a machine's container, which has no other program for it.
//!
//! The hidden subcommand `__machine` has three forms. `init` is the container's first process: it waits, reaps what has no
//! other parent, and ends on SIGTERM. `run PROGRAM ARGUMENT…` starts a process of a step, which an exec request of the
//! engine could not signal. `gate ADDRESS TARGET` forwards connections, which the target then sees coming from this container.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, wait};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};

/// The hidden subcommand.
pub const SUBCOMMAND: &str = "__machine";
pub const INIT: &str = "init";
pub const RUN: &str = "run";
pub const GATE: &str = "gate";

/// The environment variable whose value `run` writes to [`SCRIPT_FILE`], and removes. A container's command lines are
/// visible on its host, and the script may contain a key.
pub const SCRIPT_VARIABLE: &str = "HARNESS_SCRIPT";
/// The script's place below the working directory.
pub const SCRIPT_FILE: &str = "line.sh";

/// What `run` reads from standard input. The end of it kills the process group: whoever started it is gone.
pub const INTERRUPT: u8 = b'i';
pub const KILL: u8 = b'k';

/// The exit code for a program that could not be started, as of shells.
pub const NOT_STARTED: u8 = 126;
/// Added to the number of the signal that ended the process, as by shells.
pub const SIGNALLED: u8 = 128;

/// How long to wait for the rest of the output of a process that has ended.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(300);
/// The output of the container's first process, which its log shows.
const CONTAINER_LOG: &str = "/proc/1/fd/1";

/// Runs the hidden subcommand if the arguments ask for it.
pub fn handle(arguments: &[OsString]) -> Option<ExitCode> {
    let (first, words) = arguments.split_first()?;
    if first != SUBCOMMAND {
        return None;
    }
    let (form, words) = words.split_first()?;
    let done = match form.to_str()? {
        INIT => with_runtime(init()),
        RUN => run(words),
        GATE => match words {
            [from, to] => with_runtime(gate(from, to)),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        },
        _ => return None,
    };
    Some(done.unwrap_or_else(|error| {
        // Nobody else reports what happens in this process.
        let _ = writeln!(io::stderr(), "{SUBCOMMAND}: {error}");
        ExitCode::from(NOT_STARTED)
    }))
}

fn with_runtime(work: impl Future<Output = io::Result<()>>) -> io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(work)?;
    Ok(ExitCode::SUCCESS)
}

async fn init() -> io::Result<()> {
    let mut children = signal(SignalKind::child())?;
    let mut terminate = signal(SignalKind::terminate())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = children.recv() => while matches!(wait(WaitOptions::NOHANG), Ok(Some(_))) {},
        }
    }
}

async fn gate(from: &OsStr, to: &OsStr) -> io::Result<()> {
    let address = |text: &OsStr| {
        let parsed = text.to_str().and_then(|text| text.parse::<SocketAddr>().ok());
        parsed.ok_or(io::Error::from(io::ErrorKind::InvalidInput))
    };
    let (listener, to) = (TcpListener::bind(address(from)?).await?, address(to)?);
    let mut terminate = signal(SignalKind::terminate())?;
    loop {
        let accepted = tokio::select! {
            _ = terminate.recv() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        if let Ok((mut inner, _)) = accepted {
            let _ = inner.set_nodelay(true);
            tokio::spawn(async move {
                if let Ok(mut outer) = TcpStream::connect(to).await {
                    let _ = outer.set_nodelay(true);
                    let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
                }
            });
        }
    }
}

/// Runs a process in a group of its own, passes its output on, and signals it as standard input says.
fn run(words: &[OsString]) -> io::Result<ExitCode> {
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    if let Some(script) = std::env::var_os(SCRIPT_VARIABLE) {
        write_script(&script)?;
    }
    let mut child = Command::new(program)
        .args(arguments)
        .env_remove(SCRIPT_VARIABLE)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|cause| {
            io::Error::new(cause.kind(), format!("failed to start {}: {cause}", program.display()))
        })?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let drained = copy_output(&mut child);
    std::thread::spawn(move || obey(group));
    let status = child.wait()?;
    // A process that it left behind may hold the pipes open.
    for _ in 0..2 {
        let _ = drained.recv_timeout(DRAIN_TIMEOUT);
    }
    let signalled = status.signal().and_then(|signal| u8::try_from(signal).ok());
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(
        code.or(signalled.map(|signal| SIGNALLED.saturating_add(signal))).unwrap_or(NOT_STARTED),
    ))
}

fn write_script(script: &OsStr) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(SCRIPT_FILE)?;
    file.write_all(script.as_bytes())?;
    file.write_all(b"\n")
}

/// Copies both outputs in the background. Each copy ends with a message.
fn copy_output(child: &mut Child) -> mpsc::Receiver<()> {
    let (done, drained) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        copy(stdout, io::stdout(), done.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        copy(stderr, io::stderr(), done);
    }
    drained
}

fn copy(
    mut from: impl io::Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    done: mpsc::Sender<()>,
) {
    let mut log = std::fs::OpenOptions::new().append(true).open(CONTAINER_LOG).ok();
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(length) = from.read(&mut buffer) {
            let Some(read) = buffer.get(..length).filter(|read| !read.is_empty()) else { break };
            // Whoever read it may be gone.
            let _ = to.write_all(read).and_then(|()| to.flush());
            if let Some(log) = &mut log {
                let _ = log.write_all(read);
            }
        }
        let _ = done.send(());
    });
}

/// Signals the group as standard input says, until its end.
fn obey(group: Option<Pid>) {
    let Some(group) = group else { return };
    let mut input = io::stdin().lock();
    let mut order = [0];
    loop {
        let sent = match input.read(&mut order) {
            Ok(1..) if order == [INTERRUPT] => Signal::INT,
            Ok(1..) if order == [KILL] => Signal::KILL,
            Ok(1..) => continue,
            Ok(0) | Err(_) => {
                let _ = kill_process_group(group, Signal::KILL);
                return;
            }
        };
        let _ = kill_process_group(group, sent);
    }
}
