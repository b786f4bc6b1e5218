//! `--report FORMAT=PATH` and `--report-dir DIR`: what is written where.

use std::fmt::Display;
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::results::Results;
use crate::{badge, html, json, junit, markdown, tap};

/// Formats that reports can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `results.json`.
    Json,
    /// JUnit's XML.
    Junit,
    /// One page for people.
    Html,
    /// For a pull request.
    Markdown,
    /// The Test Anything Protocol.
    Tap,
    /// What a badge says, as shields.io takes it.
    Badge,
    /// What somebody else can evaluate again, made while the run goes on.
    Evidence,
}

/// Each format, its name on the command line and its file in a folder of reports.
const FORMATS: [(Format, &str, &str); 7] = [
    (Format::Json, "json", "results.json"),
    (Format::Junit, "junit", "junit.xml"),
    (Format::Html, "html", "report.html"),
    (Format::Markdown, "markdown", "report.md"),
    (Format::Tap, "tap", "report.tap"),
    (Format::Badge, "badge", "badge.json"),
    (Format::Evidence, "evidence", "evidence.zip"),
];

/// One report to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// In which format.
    pub format: Format,
    /// Where to.
    pub path: PathBuf,
}

/// A report cannot be asked for like this: a usage error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// There is no `=`.
    #[error("`{0}` is not FORMAT=PATH, such as junit=reports/junit.xml")]
    Shape(String),
    /// There is no such format.
    #[error("there is no report format `{0}`; there are: {names}", names = names())]
    Unknown(String),
    /// The run is over.
    #[error("evidence is recorded while a run goes on: ask for it there; results alone are none")]
    NotOfResults,
    /// Nothing can be written there.
    #[error("the report {path} cannot be written: {cause}; give another path")]
    Unwritable {
        /// The path.
        path: String,
        /// What the system says.
        cause: String,
    },
}

/// A report could not be written after all.
#[derive(Debug, thiserror::Error)]
#[error("the report {path} could not be written: {cause}")]
pub struct WriteError {
    /// The path.
    pub path: String,
    /// What happened.
    pub cause: String,
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (format, path) = text.split_once('=').ok_or_else(|| DestinationError::Shape(text.to_owned()))?;
        let known = FORMATS.iter().find(|(_, name, _)| *name == format);
        let format = match known {
            Some((format, _, _)) => *format,
            None => return Err(DestinationError::Unknown(format.to_owned())),
        };
        if path.is_empty() {
            return Err(DestinationError::Shape(text.to_owned()));
        }
        Ok(Self { format, path: path.into() })
    }
}

impl Destination {
    /// Every format there is, in one folder.
    pub fn all_in(folder: &Path) -> Vec<Self> {
        FORMATS.iter().map(|(format, _, file)| Self { format: *format, path: folder.join(file) }).collect()
    }

    /// Whether it shows the reference's answers beside the target's.
    pub fn compares(&self) -> bool {
        matches!(self.format, Format::Json | Format::Html | Format::Markdown | Format::Evidence)
    }

    /// Finds out before the run whether the report can be written; makes its folder.
    ///
    /// # Errors
    /// It cannot.
    pub fn prepare(&self) -> Result<(), DestinationError> {
        let unwritable = |cause: std::io::Error| DestinationError::Unwritable {
            path: self.path.display().to_string(),
            cause: cause.to_string(),
        };
        if self.path.is_dir() {
            return Err(unwritable(std::io::Error::other("it is a folder")));
        }
        if self.is_stream() {
            return std::fs::OpenOptions::new().write(true).open(&self.path).map(drop).map_err(unwritable);
        }
        std::fs::create_dir_all(self.folder()).map_err(unwritable)?;
        tempfile::NamedTempFile::new_in(self.folder()).map(drop).map_err(unwritable)
    }

    /// The same for a run that is over, of which only results are left.
    ///
    /// # Errors
    /// It cannot, or is made of more than results.
    pub fn prepare_of_results(&self) -> Result<(), DestinationError> {
        if self.is_of_results() { self.prepare() } else { Err(DestinationError::NotOfResults) }
    }

    /// Whether results are all that it is made of.
    pub fn is_of_results(&self) -> bool {
        self.format != Format::Evidence
    }

    /// Writes the report; nobody ever reads half of it.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, results: &Results) -> Result<(), WriteError> {
        let text = match self.format {
            Format::Json => json::render(results).map_err(|error| self.failed(&error))?,
            Format::Junit => junit::render(results).map_err(|error| self.failed(&error))?,
            Format::Html => html::render(results),
            Format::Markdown => markdown::render(results, markdown::COMMENT_LIMIT),
            Format::Tap => tap::render(results),
            Format::Badge => badge::render(results),
            Format::Evidence => {
                return Err(self.failed(&DestinationError::NotOfResults));
            }
        };
        self.fill(|file| file.write_all(text.as_bytes()))
    }

    /// Writes what somebody else makes; nobody ever reads half of it.
    ///
    /// # Errors
    /// It cannot be made, or the disk refuses.
    pub fn fill<E: Display>(
        &self,
        make: impl FnOnce(&mut std::fs::File) -> Result<(), E>,
    ) -> Result<(), WriteError> {
        if self.is_stream() {
            let mut file = tempfile::tempfile().map_err(|error| self.failed(&error))?;
            make(&mut file).map_err(|error| self.failed(&error))?;
            let copied = file.rewind().and_then(|()| {
                let mut stream = std::fs::OpenOptions::new().write(true).open(&self.path)?;
                std::io::copy(&mut file, &mut stream)
            });
            return copied.map(drop).map_err(|error| self.failed(&error));
        }
        let mut file = tempfile::NamedTempFile::new_in(self.folder()).map_err(|error| self.failed(&error))?;
        make(file.as_file_mut()).map_err(|error| self.failed(&error))?;
        readable(file.as_file()).map_err(|error| self.failed(&error))?;
        file.persist(&self.path).map_err(|error| self.failed(&error.error))?;
        Ok(())
    }

    fn failed(&self, cause: &dyn Display) -> WriteError {
        WriteError { path: self.path.display().to_string(), cause: cause.to_string() }
    }

    /// Whether it is a pipe or a device, such as /dev/stdout: a file must not take its place.
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

/// Temporary files are private; a report is for others to read.
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_understood_or_refused_with_what_there_is() {
        const ALL: &str = "json, junit, html, markdown, tap, badge, evidence";
        let cases = [
            ("json=out.json", Ok("out.json")),
            ("junit=a=b.xml", Ok("a=b.xml")),
            ("markdown=-", Ok("-")),
            ("evidence=x.zip", Ok("x.zip")),
            ("yaml=x", Err(format!("there is no report format `yaml`; there are: {ALL}"))),
            ("json", Err("`json` is not FORMAT=PATH, such as junit=reports/junit.xml".to_owned())),
            ("json=", Err("`json=` is not FORMAT=PATH, such as junit=reports/junit.xml".to_owned())),
        ];
        for (text, wanted) in cases {
            let found = text.parse::<Destination>().map(|destination| destination.path);
            match wanted {
                Ok(path) => assert_eq!(found, Ok(PathBuf::from(path))),
                Err(message) => assert_eq!(found.unwrap_err().to_string(), message),
            }
        }
    }

    #[test]
    fn an_unwritable_place_is_found_out_before_the_run() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let at = |path: &str| Destination { format: Format::Json, path: folder.path().join(path) };
        assert!(at("new/folder/out.json").prepare().is_ok());
        assert!(at("file/out.json").prepare().is_err());
        assert!(at("new").prepare().is_err());
    }
}
