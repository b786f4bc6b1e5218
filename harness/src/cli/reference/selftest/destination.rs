//! Writing the self-test's reports.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::cli::console::Console;
use harness_reference::report::{SelfTestReport, html};
use harness_report::exit_code::ENVIRONMENT;

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
) -> Option<u8> {
    let mut code = None;
    for destination in destinations {
        match destination.write(report) {
            Ok(()) => console.say(&format!("report written to {}\n", destination.path.display())),
            Err(error) => {
                console.complain(&format!("writing report {} failed: {error}", destination.path.display()));
                code = Some(ENVIRONMENT);
            }
        }
    }
    code
}

impl Destination {
    fn write(&self, report: &SelfTestReport) -> std::io::Result<()> {
        let text = match self.format {
            Format::Json => report.json().map_err(std::io::Error::from)?,
            Format::Html => html::render(report),
        };
        if let Some(folder) = self.path.parent().filter(|folder| *folder != Path::new("")) {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&self.path, text)
    }
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (format, path) = text.split_once('=').unwrap_or((text, ""));
        let format = match format {
            "json" => Format::Json,
            "html" => Format::Html,
            other => return Err(format!("unknown report format `{other}`: expected json or html")),
        };
        if path.is_empty() {
            return Err(format!(
                "invalid report `{text}`: expected FORMAT=PATH, such as html=reports/selftest.html"
            ));
        }
        Ok(Self { format, path: path.into() })
    }
}
