//! A profile that was read, or the mistakes in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::Url;

use harness_model::scenario::model::{Capability, Source, Span};
use harness_model::source::diagnostic::{Diagnostic, Severity, Sources, render};
use harness_model::source::document::Diagnostics;
use harness_model::source::unix_lines;

use super::content::Content;
use super::{decode, masked};

#[derive(Debug, Clone)]
pub struct Profile {
    pub path: PathBuf,
    pub content: Content,
    pub base_url: Url,
    /// The declared capabilities, or those that follow from the profile if it declares none.
    pub capabilities: BTreeSet<Capability>,
    pub warnings: Vec<Diagnostic>,
    /// The text with inline tokens masked.
    pub(super) source: Arc<Source>,
    /// The locations of keys such as `tokens.admin`.
    pub(super) locations: BTreeMap<String, Span>,
}

/// An unusable profile, which is a usage error.
#[derive(Debug, Clone)]
pub struct ProfileError {
    pub diagnostics: Vec<Diagnostic>,
    pub sources: Sources,
}

/// Remarks on a valid profile that a target gave rise to.
#[derive(Debug, Clone, Default)]
pub struct ProfileNotes {
    pub diagnostics: Vec<Diagnostic>,
    pub sources: Sources,
}

impl ProfileNotes {
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|noted| noted.severity == Severity::Error)
    }
}

impl fmt::Display for ProfileNotes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines =
            self.diagnostics.iter().flat_map(|noted| std::iter::once(&noted.message).chain(&noted.help));
        let lines: Vec<&str> = lines.map(String::as_str).collect();
        formatter.write_str(&lines.join("\n"))
    }
}

impl Profile {
    /// Reads a profile from a file.
    ///
    /// # Errors
    /// The file cannot be read, or has mistakes, all of which are in the error.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&Arc::new(Source::new(path, unix_lines(text)))),
            Err(cause) => {
                let message = format!("failed to read target profile {}: {cause}", path.display());
                let diagnostic = Diagnostic::of_file(path, message).help("`harness init-target` creates one");
                Err(ProfileError { diagnostics: vec![diagnostic], sources: Sources::default() })
            }
        }
    }

    pub fn parse(source: &Arc<Source>) -> Result<Self, ProfileError> {
        // Diagnostics quote the masked text: a line may contain a token.
        let masked_source = Arc::new(Source::new(source.path.clone(), masked::masked(&source.text)));
        let mut report = Diagnostics::new(&source.path);
        let decoded = decode::decode(&source.text, &mut report);
        let has_errors = report.has_errors();
        let warnings = report.into_diagnostics();
        match decoded {
            Some(decoded) if !has_errors => Ok(Self {
                path: source.path.clone(),
                content: decoded.content,
                base_url: decoded.base_url,
                capabilities: decoded.capabilities,
                warnings,
                source: masked_source,
                locations: decoded.locations,
            }),
            _ => Err(ProfileError::of(warnings, &masked_source)),
        }
    }

    /// Returns its text for diagnostics.
    pub fn sources(&self) -> Sources {
        let mut sources = Sources::default();
        sources.add(Arc::clone(&self.source));
        sources
    }

    /// Returns the file and line of a key, or the file if the key is not set.
    pub(in crate::targets) fn place(&self, key: &str) -> String {
        match self.locations.get(key) {
            Some(span) => self.source.location(span).to_string(),
            None => self.path.display().to_string(),
        }
    }

    pub(in crate::targets) fn error(&self, key: &str, message: String, help: String) -> Diagnostic {
        let path = self.path.clone();
        let span = self.locations.get(key).cloned();
        Diagnostic { severity: Severity::Error, path, span, message, help: Some(help) }
    }
}

impl ProfileError {
    pub(super) fn of(diagnostics: Vec<Diagnostic>, source: &Arc<Source>) -> Self {
        let mut sources = Sources::default();
        sources.add(Arc::clone(source));
        Self { diagnostics, sources }
    }

    /// Renders the diagnostics for a terminal of that many columns.
    pub fn render(&self, color: bool, width: usize) -> String {
        render(&self.diagnostics, &self.sources, color, width)
    }
}
