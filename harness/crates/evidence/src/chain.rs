//! A hash chain of lines: each carries the digest of the previous one, so that a line cannot be changed, dropped or
//! inserted without rewriting all that follow.

use crate::digest;

/// The previous digest of the first line.
pub const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Follows a chain line by line.
#[derive(Debug, Clone)]
pub struct Chain {
    head: String,
    lines: u64,
}

impl Default for Chain {
    fn default() -> Self {
        Self { head: BEGINNING.to_owned(), lines: 0 }
    }
}

impl Chain {
    /// Returns the digest of the last line.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// Returns the number of lines.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Appends a line, given without its line break.
    pub fn append(&mut self, line: &[u8]) {
        self.head = digest(line);
        self.lines += 1;
    }
}
