//! Hand-written TOML files: their text, spans, and diagnostics with carets.

pub mod diagnostic;
pub mod document;
pub mod spelling;

use std::ops::Range;
use std::path::PathBuf;

/// A byte range in a file.
pub type Span = Range<usize>;

/// A file and its text, kept to render diagnostics.
#[derive(Debug)]
pub struct Source {
    /// The path shown in messages.
    pub path: PathBuf,
    pub text: String,
}
