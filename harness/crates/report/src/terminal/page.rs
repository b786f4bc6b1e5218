use std::fmt::Write as _;

use super::paint::Paint;
use super::wrap::wrap;

/// Width of the label column.
const LABEL_WIDTH: usize = 11;
/// Lines shown of a value, a response or an output.
pub(super) const MAX_LINES: usize = 40;

/// Text in which blocks have a label in front.
pub(super) struct Page {
    pub(super) text: String,
    pub(super) paint: Paint,
    /// Columns at which text is wrapped.
    pub(super) width: usize,
    /// Columns at which a list's lines are truncated; `usize::MAX` in a pipe.
    pub(super) limit: usize,
}

impl Page {
    pub(super) fn new(paint: Paint, width: usize, limit: usize) -> Self {
        Self { text: String::new(), paint, width, limit }
    }

    /// Creates an empty page with the same formatting.
    pub(super) fn empty(&self) -> Self {
        Self::new(self.paint, self.width, self.limit)
    }

    pub(super) fn append(&mut self, other: &Self) {
        self.text.push_str(&other.text);
    }

    pub(super) fn lines_written(&self) -> usize {
        self.text.lines().count()
    }

    /// The columns beside the label column.
    pub(super) fn room(&self) -> usize {
        self.width.saturating_sub(LABEL_WIDTH + 2).max(20)
    }

    pub(super) fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{}", line.trim_end());
    }

    /// Writes a label and wrapped text with a hanging indent.
    pub(super) fn hanging(&mut self, label: &str, content: &str) {
        for line in self.wrapped(label, content) {
            self.line(&line);
        }
    }

    /// Returns a label and wrapped text with a hanging indent.
    pub(super) fn wrapped(&self, label: &str, content: &str) -> Vec<String> {
        let lines = wrap(&format!("{label}{content}"), self.width.saturating_sub(2));
        let indented = |(position, line)| if position == 0 { line } else { format!("  {line}") };
        lines.into_iter().enumerate().map(indented).collect()
    }

    /// Writes a label column and wrapped text.
    pub(super) fn block(&mut self, label: &str, content: &str) {
        let lines = wrap(content, self.room());
        self.lines(label, &lines);
    }

    /// Writes lines as they are.
    pub(super) fn lines(&mut self, label: &str, lines: &[String]) {
        for (position, line) in lines.iter().enumerate() {
            let label = if position == 0 { label } else { "" };
            let label = self.paint.faint(&format!("{label:LABEL_WIDTH$}"));
            self.line(&format!("  {label}{line}"));
        }
    }

    /// Writes the first lines of a value, painted line by line.
    pub(super) fn value(&mut self, label: &str, content: &str, paint: impl Fn(&str) -> String) {
        for (position, line) in content.lines().take(MAX_LINES).enumerate() {
            let label = if position == 0 { label } else { "" };
            let _ = writeln!(self.text, "  {label:LABEL_WIDTH$}{}", paint(line));
        }
    }
}
