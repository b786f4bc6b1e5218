//! The command line: one file a command.

mod console;
mod diff;
mod explain;
mod init_target;
mod library;
mod lint;
mod list;
mod merge;
#[cfg(feature = "reference")]
mod reference;
#[cfg(not(feature = "reference"))]
#[path = "without_reference.rs"]
mod reference;
mod report;
mod run;
mod schema;
mod stored;
mod verify;
mod waivers;

use std::ffi::OsString;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use harness_report::exit_code::{ENVIRONMENT, KIT};

use console::{ColorWhen, Console};

/// Judges an implementation of QuickZTNA by the documented sub-tests.
///
/// Without --target it starts the reference inside this process and judges that.
#[derive(Debug, Parser)]
#[command(name = "harness", version)]
#[command(after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Arguments,
    #[command(flatten)]
    shared: Shared,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
struct Shared {
    /// When to use colours [auto heeds NO_COLOR]
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    color: ColorWhen,
    /// Another folder of scenarios, with a requirements.toml
    #[arg(long, value_name = "DIR", global = true)]
    scenarios: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the suites and their sub-tests
    List(list::Arguments),
    /// Explain a statement, a sub-test, a chapter or a suite
    Explain(explain::Arguments),
    /// Check every scenario, or a target profile, and list every mistake
    Lint(lint::Arguments),
    /// Write the profile of a target
    InitTarget(Box<init_target::Arguments>),
    /// Start the reference and print what the documents' lines need
    Serve(reference::ServeArguments),
    /// Show that the kit finds every deviation of the reference that it should
    Selftest(reference::SelftestArguments),
    /// Make reports of the results of an earlier run
    Report(report::Arguments),
    /// Tell what changed between two runs; exit 1 if something got worse
    Diff(diff::Arguments),
    /// Join the results of a run's shards
    Merge(merge::Arguments),
    /// Check an evidence bundle, and evaluate every check of it again
    Verify(verify::Arguments),
    /// Print the JSON Schema of a file format
    Schema(schema::Arguments),
}

const EXIT_CODES: &str = "Exit codes:
  0 conformant            4 nothing selected
  1 not conformant        5 incomplete or cancelled
  2 wrong usage           70 the kit's own fault
  3 target unreachable    130 interrupted";

/// Runs the program with these arguments, the program's name first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match parse(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // To a closed pipe nothing can be said anyway.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(KIT));
        }
    };
    let console = Console::new(cli.shared.color);
    start_log();
    let done = std::panic::catch_unwind(AssertUnwindSafe(|| dispatch(cli, &console)));
    ExitCode::from(done.unwrap_or_else(|_| {
        console.complain("the kit failed; this is a mistake in the harness, not in the target");
        KIT
    }))
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let matches = Cli::command().try_get_matches_from(arguments)?;
    if let (Some(command), Some(stray)) = (matches.subcommand_name(), stray(&matches)) {
        let message = format!("--{stray} belongs to a run, not to `{command}`\n");
        return Err(Cli::command().error(ErrorKind::ArgumentConflict, message));
    }
    Cli::from_arg_matches(&matches)
}

/// A flag of runs that stands before a command, which would ignore it.
fn stray(matches: &ArgMatches) -> Option<String> {
    let given = |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    let shared = |id: &&clap::Id| ["color", "scenarios"].contains(&id.as_str());
    let is_flag = |id: &&clap::Id| Cli::command().get_arguments().any(|argument| argument.get_id() == *id);
    let stray = matches.ids().filter(given).find(|id| is_flag(id) && !shared(id))?;
    Some(stray.as_str().replace('_', "-"))
}

fn dispatch(cli: Cli, console: &Console) -> u8 {
    let scenarios = cli.shared.scenarios.as_deref();
    match cli.command {
        None => with_runtime(console, |runtime| runtime.block_on(run::run(cli.run, scenarios, console))),
        Some(Command::Serve(arguments)) => {
            with_runtime(console, |runtime| runtime.block_on(reference::serve(arguments, console)))
        }
        Some(Command::Selftest(arguments)) => with_runtime(console, |runtime| {
            runtime.block_on(reference::selftest(arguments, scenarios, console))
        }),
        Some(Command::List(arguments)) => list::list(&arguments, scenarios, console),
        Some(Command::Explain(arguments)) => explain::explain(&arguments, scenarios, console),
        Some(Command::Lint(arguments)) => lint::lint(&arguments, scenarios, console),
        Some(Command::InitTarget(arguments)) => init_target::init_target(*arguments, console),
        Some(Command::Report(arguments)) => report::report(&arguments, console),
        Some(Command::Diff(arguments)) => diff::diff(&arguments, console),
        Some(Command::Merge(arguments)) => merge::merge(&arguments, scenarios, console),
        Some(Command::Verify(arguments)) => verify::verify(&arguments, console),
        Some(Command::Schema(arguments)) => schema::schema(&arguments, console),
    }
}

/// What the kit and the embedded reference log, for those who ask for it with RUST_LOG.
fn start_log() {
    if std::env::var_os("RUST_LOG").is_some() {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        // A second subscriber in one process would be a test's.
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    }
}

fn with_runtime(console: &Console, work: impl FnOnce(&tokio::runtime::Runtime) -> u8) -> u8 {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let code = work(&runtime);
            // Whatever still waits for something has nobody to tell it to.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            console.complain(&format!("no threads can be started: {error}"));
            ENVIRONMENT
        }
    }
}
