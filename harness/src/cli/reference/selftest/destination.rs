use std::path::PathBuf;
use std::str::FromStr;

use crate::cli::console::Console;
use harness_reference::report::{SelfTestReport, html};
use harness_report::destination;
use harness_report::exit_code::ExitCode;

/// A report of the self-test and the path it is written to.
#[derive(Debug, Clone)]
pub(super) struct Destination {
    format: Format,
    path: PathBuf,
}

#[derive(Debug, Clone, Copy)]
enum Format {
    Json,
    Html,
}

/// Writes every report that can be written; returns an exit code if one failed.
pub(super) fn write_all(
    destinations: &[Destination],
    report: &SelfTestReport,
    console: &Console,
) -> Option<ExitCode> {
    let mut exit_code = None;
    for destination in destinations {
        match destination.write(report) {
            // Not to standard output, which may be where the report itself is written.
            Ok(()) => console.eprint(&format!("report written to {}\n", destination.path.display())),
            Err(error) => {
                console.error(&format!("writing report {} failed: {error}", destination.path.display()));
                exit_code = Some(ExitCode::Environment);
            }
        }
    }
    exit_code
}

impl Destination {
    fn write(&self, report: &SelfTestReport) -> std::io::Result<()> {
        let text = match self.format {
            Format::Json => report.json().map_err(std::io::Error::from)?,
            Format::Html => html::render(report),
        };
        destination::write_text(&self.path, &text)
    }
}

#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum InvalidDestination {
    #[error("unknown report format `{0}`: expected json or html")]
    Format(String),
    #[error("invalid report `{0}`: expected FORMAT=PATH, such as html=reports/selftest.html")]
    Shape(String),
}

impl FromStr for Destination {
    type Err = InvalidDestination;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (format, path) = text.split_once('=').unwrap_or((text, ""));
        let format = match format {
            "json" => Format::Json,
            "html" => Format::Html,
            other => return Err(InvalidDestination::Format(other.to_owned())),
        };
        if path.is_empty() {
            return Err(InvalidDestination::Shape(text.to_owned()));
        }
        Ok(Self { format, path: path.into() })
    }
}
