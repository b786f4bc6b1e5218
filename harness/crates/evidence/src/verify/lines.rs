//! Reads the recorded lines and follows their chain.

use std::io::{BufRead, Read as _};

use crate::chain::Chain;
use crate::line::{FORMAT, Line, RecordedEvent, RunStarted};
use crate::manifest::{ChainSummary, EXCHANGES};

use super::escape::escaped;
use super::obstacle::Obstacle;
use super::report::{Area, Report};

/// Upper bound of a line: a response has at most 8 MiB, and JSON escapes a byte with at most six.
const MAX_LINE_LEN: u64 = 128 << 20;

/// Reads lines one by one. A broken chain does not stop it: the breaks are collected.
pub(super) struct LineReader<R> {
    reader: R,
    chain: Chain,
    breaks: Vec<String>,
}

/// A line with its number, from 1.
pub(super) struct NumberedLine {
    pub(super) number: u64,
    pub(super) event: RecordedEvent,
}

impl<R: BufRead> LineReader<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, chain: Chain::default(), breaks: Vec::new() }
    }

    /// Reads the first line, which describes the run.
    pub(super) fn start(&mut self) -> Result<Box<RunStarted>, Obstacle> {
        let Some(NumberedLine { event: RecordedEvent::RunStarted(started), .. }) = self.next()? else {
            return Err(Obstacle::NoStart);
        };
        if started.format != FORMAT {
            return Err(Obstacle::UnsupportedFormat(started.format));
        }
        Ok(started)
    }

    /// Reads the next line; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<NumberedLine>, Obstacle> {
        let number = self.chain.lines() + 1;
        let mut text = Vec::new();
        let read = (&mut self.reader).take(MAX_LINE_LEN).read_until(b'\n', &mut text);
        match read {
            Err(cause) => return Err(Obstacle::UnreadableLine { number, cause }),
            Ok(0) => return Ok(None),
            Ok(_) => {}
        }
        if text.pop() != Some(b'\n') {
            return Err(Obstacle::TruncatedLine { number });
        }
        let line: Line =
            serde_json::from_slice(&text).map_err(|cause| Obstacle::InvalidLine { number, cause })?;
        if line.previous != self.chain.head() {
            self.breaks.push(broken(number));
        }
        self.chain.append(&text);
        Ok(Some(NumberedLine { number, event: line.event }))
    }

    /// Reports whether the lines read so far form the chain of the manifest.
    pub(super) fn report_chain(self, recorded: &ChainSummary, report: &mut Report) {
        let (lines, head) = (self.chain.lines(), self.chain.head());
        let mut problems = self.breaks;
        if (lines, head) != (recorded.lines, recorded.head.as_str()) {
            problems.push(format!(
                "{lines} lines ending with {}, but {} lines ending with {} in the manifest",
                abbreviated(head),
                recorded.lines,
                abbreviated(&recorded.head)
            ));
        }
        if problems.is_empty() {
            report.good(Area::Chain, format!("{lines} lines, unbroken, ending with {}", abbreviated(head)));
        }
        report.bad_all(Area::Chain, problems);
    }
}

fn broken(number: u64) -> String {
    match number {
        1 => format!("line 1 of {EXCHANGES} is not the start of a chain: lines before it are missing"),
        _ => format!(
            "line {number} of {EXCHANGES} breaks the chain: line {} was modified, or lines were removed or inserted",
            number - 1
        ),
    }
}

fn abbreviated(digest: &str) -> String {
    escaped(digest).chars().take(12).collect::<String>() + "…"
}
