//! `harness verify`: verifies an evidence bundle and re-evaluates its checks.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use clap::Args;

use harness_evidence::bundle::{self, ScenarioFile};
use harness_evidence::signature;
use harness_evidence::verify::{self, Finding, Options, Report, State};
use harness_report::exit_code::ExitCode;
use harness_report::terminal::{Paint, wrap};

use super::console::Console;
use super::error::CliError;

/// Width of the area column.
const AREA_WIDTH: usize = 11;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The evidence bundle of a run
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// Fail unless the bundle is signed by this minisign key
    #[arg(long, value_name = "KEY|FILE")]
    public_key: Option<String>,
    /// Accept scenarios that differ from this kit's own
    #[arg(long)]
    accept_scenarios: bool,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Plain text
    Text,
    /// JSON
    Json,
}

pub(super) fn verify(arguments: &Arguments, console: &Console) -> Result<ExitCode, CliError> {
    let path = &arguments.bundle;
    let options = Options {
        public_key: arguments.public_key.as_deref().map(signature::public_key).transpose()?,
        accepts_scenarios: arguments.accept_scenarios,
        own_scenarios: own_scenarios(),
        executable: bundle::program_digest().ok(),
    };
    let file = File::open(path).map_err(|cause| CliError::ReadFile { path: path.clone(), cause })?;
    let report = verify::verify(BufReader::new(file), &options)
        .map_err(|cause| CliError::Bundle { path: path.clone(), cause })?;
    console.print(&match arguments.format {
        Format::Text => text(&report, console),
        Format::Json => serde_json::to_string_pretty(&report)? + "\n",
    });
    Ok(if report.is_good() { ExitCode::Conformant } else { ExitCode::NonConformant })
}

fn own_scenarios() -> Vec<ScenarioFile> {
    let files = scenarios::files().into_iter().map(|(name, text)| {
        let parts: Vec<String> = name.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        ScenarioFile { path: parts.join("/"), content: text.to_vec() }
    });
    files.collect()
}

fn text(report: &Report, console: &Console) -> String {
    let look = console.terminal_options();
    let paint = Paint::new(look.color);
    let mut text = String::new();
    if let Some(bundle) = &report.bundle {
        text.push_str(&format!(
            "{} tested {}, started {}\nrecorded verdict: {} (exit {})\n\n",
            bundle.kit,
            bundle.target,
            bundle.started_at,
            bundle.verdict.in_words(),
            bundle.exit_code
        ));
    }
    for Finding { area, state, text: found } in &report.findings {
        let mark = match state {
            State::Good => paint.green("ok"),
            State::Warning => paint.bold("--"),
            State::Bad => paint.red("XX"),
        };
        let lines = wrap(found, console.width().saturating_sub(AREA_WIDTH + 4).max(20));
        for (index, line) in lines.iter().enumerate() {
            match index {
                0 => text.push_str(&format!("{mark} {area:AREA_WIDTH$} {line}\n")),
                _ => text.push_str(&format!("   {:AREA_WIDTH$} {line}\n", "")),
            }
        }
    }
    text.push('\n');
    text.push_str(&verdict(report, paint));
    text
}

fn verdict(report: &Report, paint: Paint) -> String {
    let warnings = match report.count(State::Warning) {
        0 => String::new(),
        1 => ", with 1 warning".to_owned(),
        count => format!(", with {count} warnings"),
    };
    match report.count(State::Bad) {
        0 => paint.green(&format!("verified{warnings}")) + "\n",
        1 => paint.red(&format!("not verified: 1 problem{warnings}")) + "\n",
        count => paint.red(&format!("not verified: {count} problems{warnings}")) + "\n",
    }
}
