//! What is wrong with a file, shown where it stands.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::model::{Source, Span};

/// One mistake or oddity in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it keeps the file from being used.
    pub severity: Severity,
    /// The file, as it is shown.
    pub path: PathBuf,
    /// Where, in bytes; none if it is about the file as a whole.
    pub span: Option<Span>,
    /// What is wrong: what was expected and what stands there.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// Whether a diagnostic keeps the file from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It does.
    Error,
    /// It does not.
    Warning,
}

/// The texts that diagnostics point into.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Arc<Source>>);

impl Sources {
    /// Adds a text.
    pub fn add(&mut self, source: Arc<Source>) {
        self.0.push(source);
    }

    /// The text of that path.
    pub fn get(&self, path: &Path) -> Option<&Arc<Source>> {
        self.0.iter().find(|source| source.path == path)
    }
}

/// The diagnostics as rustc shows its own, for a terminal of that many columns.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, color: bool, width: usize) -> String {
    let _ = (diagnostics, sources, color, width);
    String::new()
}

/// The place in a file with carets under it and the label beside them: `FILE:LINE:COLUMN`, the line, the carets.
pub fn caret(source: &Source, span: &Span, label: &str) -> String {
    let _ = (source, span, label);
    String::new()
}

/// The line of the span's start, counted from 1.
pub fn line(source: &Source, span: &Span) -> usize {
    let before = source.text.as_bytes().get(..span.start).unwrap_or(source.text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}
