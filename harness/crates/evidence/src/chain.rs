//! A row of lines each of which carries the digest of the line before: none can be changed, dropped or put in
//! without all that follow being made anew.

use super::digest;

/// What the first line carries.
pub const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The digest of a line, without its line break.
pub fn link(line: &[u8]) -> String {
    digest(line)
}

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
    /// The digest of the last line.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// How many lines there are.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Takes the next line.
    pub fn take(&mut self, line: &[u8]) {
        self.head = link(line);
        self.lines += 1;
    }
}
