//! `--report FORMAT=PATH` and `--report-dir DIR`: what is written where.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::report::results::Results;
use crate::report::{json, junit};

/// Formats that reports can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `results.json`.
    Json,
    /// JUnit's XML.
    Junit,
}

/// Formats that the design names and that this version does not have.
const LATER: [&str; 4] = ["html", "markdown", "tap", "evidence"];

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
    /// The format comes in a later version.
    #[error("the format `{0}` comes in a later version; there are: json, junit")]
    Later(String),
    /// There is no such format.
    #[error("there is no report format `{0}`; there are: json, junit")]
    Unknown(String),
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
        let format = match format {
            "json" => Format::Json,
            "junit" => Format::Junit,
            later if LATER.contains(&later) => return Err(DestinationError::Later(later.to_owned())),
            unknown => return Err(DestinationError::Unknown(unknown.to_owned())),
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
        vec![
            Self { format: Format::Json, path: folder.join("results.json") },
            Self { format: Format::Junit, path: folder.join("junit.xml") },
        ]
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

    /// Writes the report; nobody ever reads half of it.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, results: &Results) -> Result<(), WriteError> {
        let failed = |cause: String| WriteError { path: self.path.display().to_string(), cause };
        let text = match self.format {
            Format::Json => json::render(results).map_err(|error| failed(error.to_string()))?,
            Format::Junit => junit::render(results).map_err(|error| failed(error.to_string()))?,
        };
        if self.is_stream() {
            let written = std::fs::OpenOptions::new().write(true).open(&self.path);
            let written = written.and_then(|mut stream| stream.write_all(text.as_bytes()));
            return written.map_err(|error| failed(error.to_string()));
        }
        let mut file =
            tempfile::NamedTempFile::new_in(self.folder()).map_err(|error| failed(error.to_string()))?;
        file.write_all(text.as_bytes()).map_err(|error| failed(error.to_string()))?;
        readable(file.as_file()).map_err(|error| failed(error.to_string()))?;
        file.persist(&self.path).map_err(|error| failed(error.error.to_string()))?;
        Ok(())
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
        let cases = [
            ("json=out.json", Ok("out.json")),
            ("junit=a=b.xml", Ok("a=b.xml")),
            ("html=x", Err("the format `html` comes in a later version; there are: json, junit")),
            ("yaml=x", Err("there is no report format `yaml`; there are: json, junit")),
            ("json", Err("`json` is not FORMAT=PATH, such as junit=reports/junit.xml")),
            ("json=", Err("`json=` is not FORMAT=PATH, such as junit=reports/junit.xml")),
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
