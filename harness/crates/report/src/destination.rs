//! `--report FORMAT=PATH` and `--report-dir DIR`: the report formats and their files.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::ReportError;
use crate::results::Results;
use crate::{badge, html, json, junit, markdown, tap};
use harness_model::source::spelling;

mod place;

use place::Place;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `results.json`.
    Json,
    Junit,
    /// A self-contained page.
    Html,
    /// A summary for a pull request.
    Markdown,
    /// Test Anything Protocol.
    Tap,
    /// A shields.io endpoint badge.
    Badge,
    /// A bundle that a third party can verify, recorded during the run.
    Evidence,
}

/// Each format with its name on the command line and its file name in a report folder.
const FORMATS: [(Format, &str, &str); 7] = [
    (Format::Json, "json", "results.json"),
    (Format::Junit, "junit", "junit.xml"),
    (Format::Html, "html", "report.html"),
    (Format::Markdown, "markdown", "report.md"),
    (Format::Tap, "tap", "report.tap"),
    (Format::Badge, "badge", "badge.json"),
    (Format::Evidence, "evidence", "evidence.zip"),
];

/// A report and the path it is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub format: Format,
    pub path: PathBuf,
}

impl FromStr for Destination {
    type Err = ReportError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (format, path) =
            text.split_once('=').ok_or_else(|| ReportError::InvalidDestination(text.to_owned()))?;
        let known = FORMATS.iter().find(|(_, name, _)| *name == format);
        let format = match known {
            Some((format, _, _)) => *format,
            None => {
                let hint = match spelling::nearest(format, FORMATS.map(|(_, name, _)| name)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("expected one of {}", names()),
                };
                return Err(ReportError::UnknownFormat { format: format.to_owned(), hint });
            }
        };
        if path.is_empty() {
            return Err(ReportError::InvalidDestination(text.to_owned()));
        }
        Ok(Self { format, path: path.into() })
    }
}

impl Destination {
    /// Returns a destination in `folder` for every format.
    pub fn all_in(folder: &Path) -> Vec<Self> {
        FORMATS.iter().map(|(format, _, file)| Self { format: *format, path: folder.join(file) }).collect()
    }

    /// Whether the format shows the reference's responses next to the target's.
    pub fn compares(&self) -> bool {
        matches!(self.format, Format::Json | Format::Html | Format::Markdown | Format::Evidence)
    }

    /// Creates the folder and checks, before the run, that the report can be written.
    pub fn prepare(&self) -> Result<(), ReportError> {
        let prepared = Place::of(&self.path).and_then(|place| place.prepare());
        prepared.map_err(|cause| ReportError::NotWritable { path: self.path.clone(), cause })
    }

    /// Checks that no two reports replace each other.
    ///
    /// # Errors
    /// Two destinations are the same file.
    pub fn all_differ(destinations: &[Self]) -> Result<(), ReportError> {
        let mut files = BTreeMap::new();
        for destination in destinations {
            if let Ok(Place::File(file)) = Place::of(&destination.path)
                && let Some(first) = files.insert(file, &destination.path)
            {
                let (first, second) = (first.clone(), destination.path.clone());
                return Err(ReportError::SameFile { first, second });
            }
        }
        Ok(())
    }

    /// Does the same for a finished run, of which only the results are left.
    ///
    /// # Errors
    /// The path is not writable, or the format needs more than results.
    pub fn prepare_of_results(&self) -> Result<(), ReportError> {
        if self.is_of_results() { self.prepare() } else { Err(ReportError::NeedsRun) }
    }

    /// Whether the report can be built from results alone.
    pub fn is_of_results(&self) -> bool {
        self.format != Format::Evidence
    }

    pub fn write(&self, results: &Results) -> Result<(), ReportError> {
        let text = match self.format {
            Format::Json => json::render(results).map_err(|error| self.failed(error))?,
            Format::Junit => junit::render(results).map_err(|error| self.failed(error))?,
            Format::Html => html::render(results),
            Format::Markdown => markdown::render(results, markdown::COMMENT_LIMIT),
            Format::Tap => tap::render(results),
            Format::Badge => badge::render(results),
            Format::Evidence => return Err(ReportError::NeedsRun),
        };
        self.fill(|file| file.write_all(text.as_bytes()))
    }

    /// Writes the output of `make`. A file is replaced only if the whole output could be written.
    ///
    /// # Errors
    /// `make` fails, or the file cannot be written.
    pub fn fill<E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        make: impl FnOnce(&mut std::fs::File) -> Result<(), E>,
    ) -> Result<(), ReportError> {
        // Made first: a pipe or a device gets a whole report or none.
        let mut file = tempfile::tempfile().map_err(|error| self.failed(error))?;
        make(&mut file).map_err(|error| self.failed(error))?;
        file.rewind().map_err(|error| self.failed(error))?;
        let written = Place::of(&self.path).and_then(|place| place.write(&mut file));
        written.map_err(|error| self.failed(error))
    }

    fn failed(&self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> ReportError {
        ReportError::Write { path: self.path.clone(), cause: cause.into() }
    }
}

/// Writes a text to a path as every report is written: links stay, pipes and devices are written through.
pub fn write_text(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = tempfile::tempfile()?;
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Place::of(path)?.prepare()?;
    Place::of(path)?.write(&mut file)
}

fn names() -> String {
    FORMATS.map(|(_, name, _)| name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_format_and_path() {
        const ALL: &str = "json, junit, html, markdown, tap, badge, evidence";
        let cases = [
            ("json=out.json", Ok("out.json")),
            ("junit=a=b.xml", Ok("a=b.xml")),
            ("markdown=-", Ok("-")),
            ("evidence=x.zip", Ok("x.zip")),
            ("junti=x", Err("unknown report format `junti`: did you mean `junit`?".to_owned())),
            ("yaml=x", Err(format!("unknown report format `yaml`: expected one of {ALL}"))),
            (
                "json",
                Err("invalid report `json`: expected FORMAT=PATH, such as junit=reports/junit.xml".to_owned()),
            ),
            (
                "json=",
                Err("invalid report `json=`: expected FORMAT=PATH, such as junit=reports/junit.xml"
                    .to_owned()),
            ),
        ];
        for (text, wanted) in cases {
            let found = text.parse::<Destination>().map(|destination| destination.path);
            match wanted {
                Ok(path) => assert_eq!(found.unwrap(), PathBuf::from(path)),
                Err(message) => assert_eq!(found.unwrap_err().to_string(), message),
            }
        }
    }

    #[test]
    fn prepare_rejects_unwritable_paths() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let at = |path: &str| Destination { format: Format::Json, path: folder.path().join(path) };
        assert!(at("new/folder/out.json").prepare().is_ok());
        assert!(at("file/out.json").prepare().is_err());
        assert!(at("new").prepare().is_err());
    }
}
