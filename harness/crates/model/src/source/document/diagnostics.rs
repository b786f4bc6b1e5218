//! Collects diagnostics instead of stopping at the first.

use std::path::{Path, PathBuf};

use crate::source::Span;
use crate::source::diagnostic::{Diagnostic, Severity};

/// Collects the diagnostics of one file.
#[derive(Debug)]
pub struct Diagnostics {
    path: PathBuf,
    diagnostics: Vec<Diagnostic>,
}

impl Diagnostics {
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), diagnostics: Vec::new() }
    }

    pub fn error(&mut self, span: Span, message: impl Into<String>) {
        self.add(Severity::Error, span, message.into(), None);
    }

    pub fn error_with_help(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.add(Severity::Error, span, message.into(), Some(help.into()));
    }

    pub fn warning(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.add(Severity::Warning, span, message.into(), Some(help.into()));
    }

    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The path shown in messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Returns all diagnostics in file order.
    pub fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        self.diagnostics.sort_by_key(|diagnostic| diagnostic.span.as_ref().map_or(0, |span| span.start));
        self.diagnostics
    }

    fn add(&mut self, severity: Severity, span: Span, message: String, help: Option<String>) {
        self.diagnostics.push(Diagnostic {
            severity,
            path: self.path.clone(),
            span: Some(span),
            message,
            help,
        });
    }
}
