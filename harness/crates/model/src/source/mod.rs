//! Hand-written TOML files: their text, spans, and diagnostics with carets.

pub mod diagnostic;
pub mod document;
mod location;
pub mod spelling;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::OnceLock;

pub use location::{InvalidLocation, Location};

/// A byte range in a file.
pub type Span = Range<usize>;

/// A file and its text, kept to render diagnostics.
#[derive(Debug)]
pub struct Source {
    /// The path shown in messages.
    pub path: PathBuf,
    pub text: String,
    /// The positions of its line ends, found when the first line number is asked for.
    line_ends: OnceLock<Vec<usize>>,
}

/// Returns the text of a file as it is in the repository: a checkout may have changed its line ends, and an editor may have
/// put a byte order mark in front.
pub fn unix_lines(text: String) -> String {
    match text.strip_prefix('\u{feff}') {
        None if !text.contains("\r\n") => text,
        bare => bare.unwrap_or(&text).replace("\r\n", "\n"),
    }
}

impl Source {
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), line_ends: OnceLock::new() }
    }

    /// Returns the 1-based line of the start of a span.
    pub fn line(&self, span: &Span) -> usize {
        let line_ends = self.line_ends.get_or_init(|| {
            let bytes = self.text.bytes().enumerate();
            bytes.filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect()
        });
        line_ends.partition_point(|end| *end < span.start) + 1
    }

    /// Returns the file and line of the start of a span.
    pub fn location(&self, span: &Span) -> Location {
        Location::new(&self.path, self.line(span))
    }
}
