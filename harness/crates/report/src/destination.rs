//! `--report FORMAT=PATH` and `--report-dir DIR`: the report formats and their files.

use std::error::Error;
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::ReportError;
use crate::results::Results;
use crate::{badge, html, json, junit, markdown, tap};
use harness_model::source::spelling;

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
        let unwritable = |cause| ReportError::NotWritable { path: self.path.clone(), cause };
        if self.path.is_dir() {
            return Err(unwritable(std::io::Error::other("is a directory")));
        }
        if self.is_stream() {
            return std::fs::OpenOptions::new().write(true).open(&self.path).map(drop).map_err(unwritable);
        }
        std::fs::create_dir_all(self.folder()).map_err(unwritable)?;
        tempfile::NamedTempFile::new_in(self.folder()).map(drop).map_err(unwritable)
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

    /// Writes the output of `make` atomically.
    ///
    /// # Errors
    /// `make` fails, or the file cannot be written.
    pub fn fill<E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        make: impl FnOnce(&mut std::fs::File) -> Result<(), E>,
    ) -> Result<(), ReportError> {
        if self.is_stream() {
            let mut file = tempfile::tempfile().map_err(|error| self.failed(error))?;
            make(&mut file).map_err(|error| self.failed(error))?;
            let copied = file.rewind().and_then(|()| {
                let mut stream = std::fs::OpenOptions::new().write(true).open(&self.path)?;
                std::io::copy(&mut file, &mut stream)
            });
            return copied.map(drop).map_err(|error| self.failed(error));
        }
        let mut file = tempfile::NamedTempFile::new_in(self.folder()).map_err(|error| self.failed(error))?;
        make(file.as_file_mut()).map_err(|error| self.failed(error))?;
        readable(file.as_file()).map_err(|error| self.failed(error))?;
        file.persist(&self.path).map_err(|error| self.failed(error.error))?;
        Ok(())
    }

    fn failed(&self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> ReportError {
        ReportError::Write { path: self.path.clone(), cause: cause.into() }
    }

    /// Whether the path is a pipe or a device such as /dev/stdout, which must not be replaced by a file.
    fn is_stream(&self) -> bool {
        self.path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        }
    }
}

fn names() -> String {
    FORMATS.map(|(_, name, _)| name).join(", ")
}

/// Makes the file readable by everyone: temporary files are private.
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
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
