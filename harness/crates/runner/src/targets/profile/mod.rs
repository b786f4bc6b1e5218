//! A target profile: the TOML file of `--target`. `example.toml` is its manual.

mod capability;
mod content;
mod decode;
mod masked;
mod means;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::Url;

use harness_model::scenario::model::{Capability, Source, Span};
use harness_model::source::diagnostic::{Diagnostic, Severity, Sources, render};
use harness_model::source::document::Report;

pub use content::{
    Agent, Content, Hooks, Limits, Login, MachinePointers, Pointers, Timeouts, TlsFiles, TokenSource,
};
pub use means::Means;
pub use written::{Draft, written};

/// A profile that was read and makes sense.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub content: Content,
    /// Where the target answers.
    pub base_url: Url,
    /// What it declares to be able to do, or what it gives the means for if it declares nothing.
    pub capabilities: BTreeSet<Capability>,
    /// What is odd about it.
    pub warnings: Vec<Diagnostic>,
    /// Without tokens.
    source: Arc<Source>,
    /// Where its keys stand: `tokens.admin`.
    places: BTreeMap<String, Span>,
}

/// A profile that cannot be used: a usage error.
#[derive(Debug, Clone)]
pub struct ProfileError {
    /// Every mistake, and what else is odd.
    pub diagnostics: Vec<Diagnostic>,
    /// The profile's text.
    pub sources: Sources,
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// The file cannot be read, or has mistakes: all of them.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&Arc::new(Source { path: path.to_owned(), text })),
            Err(cause) => {
                let message = format!("the target profile {} cannot be read: {cause}", path.display());
                let diagnostic = Diagnostic::of_file(path, message).help("`harness init-target` writes one");
                Err(ProfileError { diagnostics: vec![diagnostic], sources: Sources::default() })
            }
        }
    }

    /// Reads a profile's text.
    ///
    /// # Errors
    /// It has mistakes: all of them.
    pub fn parse(source: &Arc<Source>) -> Result<Self, ProfileError> {
        // What diagnostics quote is not what was read: a token may stand on the same line.
        let shown = Arc::new(Source { path: source.path.clone(), text: masked::masked(&source.text) });
        let mut report = Report::new(&source.path);
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
                source: shown,
                places: decoded.places,
            }),
            _ => Err(ProfileError::of(warnings, &shown)),
        }
    }

    /// Its text, for diagnostics.
    pub fn sources(&self) -> Sources {
        let mut sources = Sources::default();
        sources.add(Arc::clone(&self.source));
        sources
    }

    /// Reads what it points to: variables, files, certificates, the agent's program.
    ///
    /// # Errors
    /// What is not there, or cannot be used: all of it.
    pub fn means(&self) -> Result<Means, ProfileError> {
        means::gather(self).map_err(|diagnostics| ProfileError::of(diagnostics, &self.source))
    }

    fn error(&self, key: &str, message: String, help: String) -> Diagnostic {
        let path = self.path.clone();
        let span = self.places.get(key).cloned();
        Diagnostic { severity: Severity::Error, path, span, message, help: Some(help) }
    }
}

impl ProfileError {
    fn of(diagnostics: Vec<Diagnostic>, source: &Arc<Source>) -> Self {
        let mut sources = Sources::default();
        sources.add(Arc::clone(source));
        Self { diagnostics, sources }
    }

    /// As it is shown on a terminal of that many columns.
    pub fn render(&self, color: bool, width: usize) -> String {
        render(&self.diagnostics, &self.sources, color, width)
    }
}

#[cfg(test)]
mod tests;
