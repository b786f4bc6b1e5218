//! What was sent and heard, a line each: without keys, and never endless.

use std::fmt::Display;
use std::time::Instant;

/// More lines tell nothing that the first did not.
const LONGEST: usize = 40;

/// The lines of one deed.
#[derive(Debug)]
pub(super) struct Diary {
    begun: Instant,
    lines: Vec<String>,
    left_out: usize,
}

impl Diary {
    /// Empty, its times counted from now.
    pub(super) fn begin() -> Self {
        Self { begun: Instant::now(), lines: Vec::new(), left_out: 0 }
    }

    pub(super) fn begun(&self) -> Instant {
        self.begun
    }

    /// Writes a line down with its time.
    pub(super) fn note(&mut self, what: impl Display) {
        if self.lines.len() < LONGEST {
            let milliseconds = self.begun.elapsed().as_millis();
            self.lines.push(format!("{milliseconds:>5} ms  {what}"));
        } else {
            self.left_out += 1;
        }
    }

    /// All of it, and a line that sums up.
    pub(super) fn close(mut self, sum: impl Display) -> Vec<String> {
        if self.left_out > 0 {
            self.lines.push(format!("          … {} more", self.left_out));
        }
        self.lines.push(sum.to_string());
        self.lines
    }
}
