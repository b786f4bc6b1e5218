//! The command line: one file per command.

mod browser;
mod completions;
mod console;
mod database;
mod defaults;
mod diff;
mod doctor;
mod error;
mod explain;
mod history;
mod init;
mod init_target;
mod library;
mod lint;
mod list;
mod man;
mod merge;
mod names;
#[cfg(feature = "reference")]
mod reference;
#[cfg(not(feature = "reference"))]
#[path = "without_reference.rs"]
mod reference;
mod report;
mod run;
mod runtime;
mod schema;
mod signals;
mod stored;
mod value;
mod verify;
mod waivers;
mod watch;

use std::ffi::OsString;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use harness_report::exit_code::ExitCode;
use harness_report::terminal::Detail;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use console::{ColorWhen, Console};
use error::CliError;

/// Tests an implementation of QuickZTNA against the documented sub-tests.
///
/// Without --target, the embedded reference is started and tested.
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

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
struct Shared {
    /// When to use colours [auto respects NO_COLOR]
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    color: ColorWhen,
    /// Print only failures, what was not cleaned up, and the verdict
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Print everything: failures in full, and every id of what was not judged
    #[arg(long, short, global = true)]
    verbose: bool,
    /// Read scenarios and requirements.toml from DIR instead of the kit's own
    #[arg(long, value_name = "DIR", global = true)]
    scenarios: Option<PathBuf>,
    /// Read defaults of flags from FILE instead of harness.toml in this folder or above it
    #[arg(long, value_name = "FILE", global = true, env = "HARNESS_CONFIG", hide_env = true)]
    config: Option<PathBuf>,
    /// Read no harness.toml
    #[arg(long, global = true, conflicts_with = "config")]
    no_config: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List suites and sub-tests
    List(list::Arguments),
    /// Explain a statement, sub-test, chapter, suite or deviation
    Explain(explain::Arguments),
    /// Run whenever a scenario, the profile or the waivers change, or the target is back
    Watch(Box<watch::WatchArguments>),
    /// Run the reference and write its new and changed answers for `cargo insta review`
    Review(Box<run::ReviewArguments>),
    /// Check all scenarios, or a target profile, for mistakes
    Lint(lint::Arguments),
    /// Check that a run can start: the target of a profile, or this machine
    Doctor(doctor::Arguments),
    /// Set up a repository for runs: a profile, waivers, defaults and a CI workflow
    Init(Box<init::Arguments>),
    /// Create a target profile alone
    InitTarget(Box<init_target::Arguments>),
    /// Start the reference and print the shell variables that the documented commands need
    Serve(reference::ServeArguments),
    /// Verify that the kit detects every deliberate deviation of the reference
    Selftest(reference::SelftestArguments),
    /// Create reports from the results of an earlier run
    Report(report::Arguments),
    /// Compare two runs; exits with 1 on a regression
    Diff(diff::Arguments),
    /// Merge the results of a run's shards
    Merge(merge::Arguments),
    /// Verify an evidence bundle and re-evaluate its checks
    Verify(verify::Arguments),
    /// Print the JSON Schema of a file format
    Schema(schema::Arguments),
    /// Print the completion script of a shell
    Completions(completions::Arguments),
    /// Print a manual page, or write all of them
    Man(man::Arguments),
}

impl Shared {
    fn defaults(&self) -> defaults::Place {
        match (&self.config, self.no_config) {
            (_, true) => defaults::Place::Nowhere,
            (Some(file), false) => defaults::Place::Named(file.clone()),
            (None, false) => defaults::Place::Found,
        }
    }

    fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Quiet,
            (false, true) => Detail::Verbose,
            (false, false) => Detail::Usual,
        }
    }
}

const EXIT_CODES: &str = "Flags that are repeated can stand in harness.toml (target = \"acme.toml\") or in variables (HARNESS_TARGET).

Exit codes:
  0  conformant, or passed: the verdict says what was left out or waived
  1  not conformant, or a waiver expired or is no longer needed
  2  usage, configuration or scenario error
  3  target or environment error
  4  nothing selected
  5  incomplete or cancelled
  70  internal error of the kit
  130  interrupted";

/// Runs the program; `arguments` start with the program's name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> std::process::ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let (cli, matches) = match parse(&arguments) {
        Ok(parsed) => parsed,
        Err(error) => return print_usage(&error).into(),
    };
    let console = Console::new(cli.shared.color, cli.shared.detail());
    let with_defaults = match defaults::added(&arguments, &matches, &cli.shared.defaults()) {
        Ok(with_defaults) => with_defaults,
        Err(error) => {
            console.report(&error);
            return error.exit_code().into();
        }
    };
    let cli = match parse(&with_defaults.arguments) {
        Ok((cli, _)) => cli,
        Err(error) => return print_usage(&error).into(),
    };
    let console = Console::new(cli.shared.color, cli.shared.detail());
    if !with_defaults.origin.is_empty() {
        // Not to standard output, which may be where a report is written.
        console.eprint_remark(&format!("defaults: {}\n", with_defaults.origin));
    }
    start_log();
    let done = std::panic::catch_unwind(AssertUnwindSafe(|| dispatch(cli, &console)));
    let exit_code = match done {
        Ok(Ok(exit_code)) => exit_code,
        Ok(Err(error)) => {
            console.report(&error);
            error.exit_code()
        }
        Err(_) => {
            console.error("internal error: this is a bug in the harness, not in the target");
            ExitCode::Internal
        }
    };
    match console.lost() {
        Some(error) => {
            console.report(&error);
            // Any other code says more.
            if exit_code == ExitCode::Conformant { error.exit_code() } else { exit_code }
        }
        None => exit_code,
    }
    .into()
}

/// Prints help to standard output, or a mistake to standard error, which may be closed.
fn print_usage(error: &clap::Error) -> ExitCode {
    let is_lost = error.print().is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe);
    match error.exit_code() {
        0 if is_lost => ExitCode::Environment,
        0 => ExitCode::Conformant,
        _ => ExitCode::Usage,
    }
}

fn parse(arguments: &[OsString]) -> Result<(Cli, ArgMatches), clap::Error> {
    let matches = Cli::command().try_get_matches_from(arguments)?;
    if let (Some(command), Some(stray)) = (matches.subcommand_name(), stray(&matches)) {
        let message = format!("--{stray} cannot be used with `{command}`: it applies to runs only\n");
        return Err(Cli::command().error(ErrorKind::ArgumentConflict, message));
    }
    let mut cli = Cli::from_arg_matches(&matches)?;
    let commands = Cli::command();
    cli.run.commands = commands.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    Ok((cli, matches))
}

/// Returns a flag of runs given before a command, which would ignore it.
fn stray(matches: &ArgMatches) -> Option<String> {
    let given = |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    let shared = |id: &&clap::Id| {
        ["color", "config", "no_config", "quiet", "scenarios", "verbose"].contains(&id.as_str())
    };
    let is_flag = |id: &&clap::Id| Cli::command().get_arguments().any(|argument| argument.get_id() == *id);
    let stray = matches.ids().filter(given).find(|id| is_flag(id) && !shared(id))?;
    Some(stray.as_str().replace('_', "-"))
}

fn dispatch(cli: Cli, console: &Console) -> Result<ExitCode, CliError> {
    let scenarios = cli.shared.scenarios.as_deref();
    match cli.command {
        None => block_on(run::run(cli.run, scenarios, console)),
        Some(Command::Review(arguments)) => block_on(run::run(arguments.into_run()?, scenarios, console)),
        Some(Command::Watch(arguments)) => block_on(watch::watch(*arguments, scenarios, console)),
        Some(Command::Serve(arguments)) => block_on(reference::serve(arguments, console)),
        Some(Command::Selftest(arguments)) => block_on(reference::selftest(arguments, scenarios, console)),
        Some(Command::List(arguments)) => list::list(&arguments, scenarios, console),
        Some(Command::Explain(arguments)) => explain::explain(&arguments, scenarios, console),
        Some(Command::Lint(arguments)) => lint::lint(&arguments, scenarios, console),
        Some(Command::Doctor(arguments)) => block_on(doctor::doctor(&arguments, scenarios, console)),
        Some(Command::Init(arguments)) => init::init(*arguments, console),
        Some(Command::InitTarget(arguments)) => init_target::init_target(*arguments, console),
        Some(Command::Report(arguments)) => report::report(&arguments, console),
        Some(Command::Diff(arguments)) => diff::diff(&arguments, console),
        Some(Command::Merge(arguments)) => merge::merge(&arguments, scenarios, console),
        Some(Command::Verify(arguments)) => verify::verify(&arguments, console),
        Some(Command::Schema(arguments)) => Ok(schema::schema(&arguments, console)),
        Some(Command::Completions(arguments)) => {
            Ok(completions::completions(&arguments, Cli::command(), console))
        }
        Some(Command::Man(arguments)) => man::man(&arguments, Cli::command(), console),
    }
}

/// Writes the log of the kit and the embedded reference to standard error if RUST_LOG is set.
fn start_log() {
    let Some(words) = std::env::var_os("RUST_LOG").filter(|words| !words.is_empty()) else { return };
    let filter = words.to_string_lossy().parse::<Targets>();
    let log =
        tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(std::io::stderr).finish();
    let known = filter.as_ref().ok().cloned();
    // Fails if a subscriber is already set, as in tests.
    let _ = log.with(known.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))).try_init();
    if let Err(error) = filter {
        tracing::warn!(%error, "invalid RUST_LOG: expected for example debug or harness_runner=trace");
    }
}

fn block_on(work: impl Future<Output = Result<ExitCode, CliError>>) -> Result<ExitCode, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(CliError::Runtime)?;
    let done = runtime.block_on(work);
    // Do not wait for background tasks: nobody reads their results any more.
    runtime.shutdown_background();
    done
}
