//! Labelled blocks of lines.

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
    pub(super) width: usize,
}

impl Page {
    pub(super) fn new(paint: Paint, width: usize) -> Self {
        Self { text: String::new(), paint, width }
    }

    pub(super) fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{}", line.trim_end());
    }

    /// Writes a label and wrapped text with a hanging indent.
    pub(super) fn hanging(&mut self, label: &str, content: &str) {
        let lines = wrap(&format!("{label}{content}"), self.width.saturating_sub(2));
        for (position, line) in lines.iter().enumerate() {
            let indent = if position == 0 { "" } else { "  " };
            self.line(&format!("{indent}{line}"));
        }
    }

    /// Writes a label column and wrapped text.
    pub(super) fn block(&mut self, label: &str, content: &str) {
        let lines = wrap(content, self.width.saturating_sub(LABEL_WIDTH + 2).max(20));
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
