//! `harness watch`: runs again when a scenario, the profile or the waivers change, or when the target is back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::Args;
use tokio::net::TcpStream;
use tokio::signal::unix::{Signal, SignalKind, signal};

use harness_model::text::counted;
use harness_report::exit_code::ExitCode;
use harness_runner::targets::profile::Profile;

use super::console::Console;
use super::error::CliError;
use super::run;

/// How often files and the address are looked at. Files are polled, since that works on every file system.
const INTERVAL: Duration = Duration::from_millis(300);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct WatchArguments {
    #[command(flatten)]
    run: run::Arguments,
}

/// Runs until it is interrupted; the exit code is the last run's.
///
/// # Errors
/// There is nothing that could change.
pub(super) async fn watch(
    arguments: WatchArguments,
    scenarios: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, CliError> {
    let mut arguments = arguments.run;
    let watched = Watched::of(&arguments, scenarios);
    if watched.paths.is_empty() {
        return Err(CliError::NothingToWatch);
    }
    // From the start, so that none is lost between a run and the wait for a change.
    let mut ending = Ending::listen().map_err(CliError::Signals)?;
    loop {
        let before = watched.state();
        let code = match Box::pin(run::run(arguments.clone(), scenarios, console)).await {
            Ok(code) => code,
            Err(error) => {
                console.report(&error);
                error.exit_code()
            }
        };
        if ending.is_asked().await {
            return Ok(code);
        }
        // One page in the browser is enough.
        arguments.open = false;
        // Known before the next line says that its return will be noticed.
        let is_up = watched.is_up().await;
        console.remark(&format!("\nwatching {}; Ctrl-C ends\n", watched.in_words()));
        let known = if arguments.writes_snapshots() { watched.state() } else { before };
        let Some(reason) = watched.changed(known, is_up, &mut ending).await else {
            return Ok(code);
        };
        console.print(&format!("\n── {reason}\n\n"));
    }
}

/// Ctrl-C, or SIGTERM, since this was last asked.
struct Ending {
    interrupt: Signal,
    terminate: Signal,
}

impl Ending {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    async fn is_asked(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.asked() => true,
            () = std::future::ready(()) => false,
        }
    }
}

/// The files and the address whose changes matter.
struct Watched {
    /// Files, and the folder of the scenarios.
    paths: Vec<PathBuf>,
    profile: Option<PathBuf>,
}

/// The files with the time of their last change, and their size.
type State = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

impl Watched {
    fn of(arguments: &run::Arguments, folder: Option<&Path>) -> Self {
        let folder = folder.map(Path::to_owned).or_else(|| scenarios::directory().map(Path::to_owned));
        let profile = arguments.target().map(Path::to_owned);
        let waivers = arguments.waivers().map(Path::to_owned);
        let paths = [folder, profile.clone(), waivers].into_iter().flatten().collect();
        Self { paths, profile }
    }

    fn in_words(&self) -> String {
        let files = counted(self.state().len(), "file");
        match self.address() {
            Some(address) => format!("{files} and {address}"),
            None => files,
        }
    }

    fn state(&self) -> State {
        let mut state = State::new();
        self.paths.iter().for_each(|path| collect(path, &mut state));
        state
    }

    /// Returns the target's host and port, if the profile can be read.
    fn address(&self) -> Option<String> {
        let base_url = Profile::read(self.profile.as_deref()?).ok()?.base_url;
        Some(format!("{}:{}", base_url.host_str()?, base_url.port_or_known_default()?))
    }

    /// Whether the target can be reached, if there is one.
    async fn is_up(&self) -> bool {
        match self.address() {
            Some(address) => is_reachable(&address).await,
            None => true,
        }
    }

    /// Waits until a file differs from what is known, or the target is back. `None`: interrupted.
    async fn changed(&self, known: State, mut was_up: bool, ending: &mut Ending) -> Option<String> {
        loop {
            let is_up = self.is_up().await;
            if is_up && !was_up {
                return Some(format!("{} is back", self.address().unwrap_or_default()));
            }
            was_up = is_up;
            if let Some(path) = difference(&known, &self.state()) {
                return Some(format!("changed: {}", path.display()));
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = ending.asked() => return None,
            }
        }
    }
}

async fn is_reachable(address: &str) -> bool {
    matches!(tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await, Ok(Ok(_)))
}

/// Returns a path that was changed, added or removed.
fn difference(known: &State, now: &State) -> Option<PathBuf> {
    let changed = now.iter().find(|(path, state)| known.get(*path) != Some(state));
    let removed = || known.iter().find(|(path, _)| !now.contains_key(*path));
    changed.or_else(removed).map(|(path, _)| path.clone())
}

/// Collects a file, or the scenarios and snapshots of a folder.
fn collect(path: &Path, state: &mut State) {
    let Ok(found) = path.metadata() else { return };
    if found.is_file() {
        state.insert(path.to_owned(), (found.modified().ok(), found.len()));
        return;
    }
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_content = path.extension().is_some_and(|extension| extension == "toml" || extension == "snap");
        if is_content || path.is_dir() {
            collect(&path, state);
        }
    }
}
