//! A transcript of what was sent and received, one line each, without keys and of bounded length.

use std::fmt::Display;
use std::time::Instant;

/// Further lines repeat what these show.
const MAX_LINES: usize = 40;

#[derive(Debug)]
pub(super) struct Transcript {
    begun: Instant,
    lines: Vec<String>,
    omitted: usize,
}

impl Transcript {
    /// Begins a transcript whose times count from now.
    pub(super) fn begin() -> Self {
        Self { begun: Instant::now(), lines: Vec::new(), omitted: 0 }
    }

    pub(super) fn begun(&self) -> Instant {
        self.begun
    }

    /// Adds a line with the time since the beginning.
    pub(super) fn add(&mut self, what: impl Display) {
        if self.lines.len() < MAX_LINES {
            let milliseconds = self.begun.elapsed().as_millis();
            self.lines.push(format!("{milliseconds:>5} ms  {what}"));
        } else {
            self.omitted += 1;
        }
    }

    /// Returns all lines, with the summary as the last.
    pub(super) fn finish(mut self, summary: impl Display) -> Vec<String> {
        if self.omitted > 0 {
            self.lines.push(format!("          … {} more", self.omitted));
        }
        self.lines.push(summary.to_string());
        self.lines
    }
}
