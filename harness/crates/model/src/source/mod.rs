//! TOML files that people write: their text, what stands where in it, and the mistakes shown with carets.

pub mod diagnostic;
pub mod document;
pub mod spelling;

use std::ops::Range;
use std::path::PathBuf;

/// Where something stands in its file, in bytes.
pub type Span = Range<usize>;

/// A file and its text, kept for carets.
#[derive(Debug)]
pub struct Source {
    /// The path as it is shown.
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
}
