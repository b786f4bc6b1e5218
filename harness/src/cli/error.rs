//! The errors of commands and their exit codes.

use std::io;
use std::path::PathBuf;

use harness_evidence::EvidenceError;
use harness_model::plan::{FilterError, PlanError};
use harness_model::source::diagnostic::{Diagnostic, Severity, Sources};
use harness_model::text::counted;
#[cfg(feature = "reference")]
use harness_model::verdict::RunEnd;
use harness_report::ReportError;
use harness_report::exit_code::ExitCode;

/// A command failed. [`Console::report`](super::console::Console::report) prints it.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error("cannot listen for signals: {0}")]
    Signals(std::io::Error),
    #[error("{0}")]
    Mistakes(Mistakes),
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    #[error("{}: {cause}", path.display())]
    Bundle { path: PathBuf, cause: EvidenceError },

    #[error("{} has no requirements.toml\n--scenarios expects a folder like the kit's own `scenarios`", .0.display())]
    NoScenarios(PathBuf),
    #[error("extracting the embedded scenarios failed: {0}\nset TMPDIR to a writable folder")]
    ExtractScenarios(io::Error),
    #[error("reading waivers {} failed: {cause}", path.display())]
    ReadWaivers { path: PathBuf, cause: io::Error },
    #[error("reading {} failed: {cause}", path.display())]
    ReadFile { path: PathBuf, cause: io::Error },
    #[error("{}: reading results failed: {cause}\nexpected a file written by --report json=FILE", path.display())]
    ReadResults { path: PathBuf, cause: io::Error },
    #[error("{}: invalid results: {cause}\nexpected a file written by --report json=FILE", path.display())]
    InvalidResults { path: PathBuf, cause: serde_json::Error },
    #[error("no results.json found below {0}\npass one with --rerun-failed FILE")]
    NoResults(&'static str),
    #[error("no failures to rerun in {}", .0.display())]
    NothingToRerun(PathBuf),

    #[error("invalid {name}: {cause}")]
    InvalidVariable { name: String, cause: String },
    #[error("unknown command or sub-test `{word}`\n{hint}")]
    UnknownCommand { word: String, hint: String },
    #[error("unknown suite `{name}`\n{hint}available: {known}")]
    UnknownSuite { name: String, hint: String, known: String },
    #[error("unknown id `{id}`\n{hint}")]
    UnknownId { id: String, hint: String },
    #[error("no manual page of `{word}`\n{hint}")]
    UnknownPage { word: String, hint: String },
    #[error("`{id}` is not a whole id; it may be one of these:\n{candidates}")]
    AmbiguousId { id: String, candidates: String },
    #[error(
        "snapshots are kept in a folder of scenarios, and there is no checkout\npass one with --scenarios DIR"
    )]
    NothingToAccept,
    #[error(
        "snapshots are answers of the reference: `harness review` takes neither --target nor --deviation nor --accept"
    )]
    ReviewOfTarget,
    #[error("--sign-with needs evidence to sign\nadd --report evidence=PATH")]
    NothingToSign,
    #[error("--prove-isolation cannot be combined with evidence, which records a single run")]
    EvidenceOfSeveralRuns,
    #[error(
        "{subtest} needs a device login, but {} has no hooks.approve\nadd it, or remove the capability `agent`",
        profile.display()
    )]
    NoApproval { subtest: String, profile: PathBuf },

    #[error("no results below {}\nexpected files written by --report json=FILE or --report-dir", .0.display())]
    NoHistory(PathBuf),
    #[error("a history is an HTML page\nname it with --report html=PATH")]
    HistoryFormat,
    #[error(
        "nothing to watch: the scenarios are a part of this program, and no target was named\nname one with --target or --scenarios"
    )]
    NothingToWatch,
    #[error("report folder {} is not empty\nchoose a new one, or omit DIR", .0.display())]
    FolderNotEmpty(PathBuf),
    #[error("reading report folder {} failed: {cause}", path.display())]
    ReadFolder { path: PathBuf, cause: io::Error },
    #[error("creating a folder below {} failed: {cause}\nchoose one with --report-dir DIR", path.display())]
    CreateFolder { path: PathBuf, cause: io::Error },
    #[error("recording evidence failed: {0}\nset TMPDIR to a writable folder")]
    RecordEvidence(io::Error),
    #[error("creating a temporary folder failed: {0}\nset TMPDIR to a writable folder")]
    TemporaryFolder(io::Error),
    #[error("writing to standard output failed: {0}\nwhat was printed is incomplete")]
    StandardOutput(io::Error),
    #[error("writing {} failed: {cause}", path.display())]
    WriteFile { path: PathBuf, cause: io::Error },
    #[error("starting the async runtime failed: {0}")]
    Runtime(io::Error),
    #[error("serialising failed: {0}")]
    Serialise(#[from] serde_json::Error),

    #[error(
        "missing {flags}, and there is no terminal to prompt on\n`harness {command} --help` lists all flags"
    )]
    MissingFlags { flags: String, command: &'static str },
    #[error("{} already exists\nchoose another file, or remove it first", .0.display())]
    FileExists(PathBuf),
    #[error("cancelled: nothing was written")]
    PromptCancelled,

    #[cfg(feature = "reference")]
    #[error("interrupted before completion")]
    Stopped(RunEnd),

    #[cfg(feature = "reference")]
    #[error(transparent)]
    Reference(#[from] harness_reference::ReferenceError),
    #[cfg(feature = "reference")]
    #[error("{}", .0.join("\n       "))]
    Census(Vec<String>),
    #[cfg(feature = "reference")]
    #[error(
        "no deviation selected\n--filter expects ids or families; `harness list --deviations` lists them"
    )]
    NoDeviation,

    #[cfg(feature = "reference")]
    #[error(
        "no selected deviation can be tried on this machine\ninstall what the lines above name, or select others"
    )]
    NoDeviationHere,

    #[cfg(feature = "reference")]
    #[error("the kill matrix needs {why}")]
    MatrixNeeds { why: String },

    #[cfg(feature = "reference")]
    #[error("--deviation needs the embedded reference\nremove --runtime containers")]
    DeviationInContainers,
    #[cfg(feature = "reference")]
    #[error(
        "--runtime containers brings a database of its own\nleave out --database and --replicas, or --runtime"
    )]
    DatabaseInContainers,
    #[cfg(all(feature = "reference", not(feature = "containers")))]
    #[error(
        "this build cannot run the reference in containers\n\
         build with the feature: cargo run -p harness --features containers -- --runtime containers"
    )]
    NeedsContainers,

    #[cfg(not(feature = "reference"))]
    #[error("{0} needs the reference, and this build has none\nbuild with the feature `reference`")]
    NeedsReference(&'static str),
    #[cfg(not(feature = "reference"))]
    #[error(
        "no target was named, and this build has no embedded reference\n\
         name one with --target PROFILE; `harness init-target` writes a profile"
    )]
    NoTarget,
}

/// Mistakes in files, which are shown with carets.
#[derive(Debug)]
pub(super) struct Mistakes {
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) sources: Sources,
    /// What did not happen because of them.
    pub(super) consequence: String,
}

impl CliError {
    /// Mistakes that prevented a run.
    pub(super) fn nothing_was_run(diagnostics: Vec<Diagnostic>, sources: Sources) -> Self {
        Self::Mistakes(Mistakes { diagnostics, sources, consequence: "nothing was run".to_owned() })
    }

    /// Mistakes that prevented files from being written.
    pub(super) fn nothing_was_written(diagnostics: Vec<Diagnostic>, sources: Sources) -> Self {
        Self::Mistakes(Mistakes { diagnostics, sources, consequence: "nothing was written".to_owned() })
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Plan(PlanError::NothingSelected(_)) | Self::NothingToRerun(_) => ExitCode::NothingSelected,
            Self::Report(error) => error.exit_code(),
            Self::Evidence(EvidenceError::Io(_))
            | Self::ExtractScenarios(_)
            | Self::RecordEvidence(_)
            | Self::TemporaryFolder(_)
            | Self::StandardOutput(_)
            | Self::WriteFile { .. }
            | Self::Runtime(_) => ExitCode::Environment,
            Self::Serialise(_) => ExitCode::Internal,
            #[cfg(feature = "reference")]
            Self::Stopped(RunEnd::Interrupted) => ExitCode::Interrupted,
            #[cfg(feature = "reference")]
            Self::Stopped(_) => ExitCode::Incomplete,
            #[cfg(feature = "reference")]
            Self::Reference(error) => error.exit_code(),
            #[cfg(feature = "reference")]
            Self::NoDeviation | Self::NoDeviationHere => ExitCode::NothingSelected,
            _ => ExitCode::Usage,
        }
    }
}

impl std::fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}; {}", severities(&self.diagnostics), self.consequence)
    }
}

/// Formats the counts of errors and warnings: `3 errors and 1 warning`.
pub(super) fn severities(diagnostics: &[Diagnostic]) -> String {
    let count = |severity, word: &str| {
        let number = diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        (number > 0).then(|| counted(number, word))
    };
    let counts: Vec<String> = [count(Severity::Error, "error"), count(Severity::Warning, "warning")]
        .into_iter()
        .flatten()
        .collect();
    if counts.is_empty() { "no mistakes".to_owned() } else { counts.join(" and ") }
}
