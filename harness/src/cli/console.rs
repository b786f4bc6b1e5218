//! Where commands write, and how.

use std::io::{IsTerminal as _, Write as _};

use harness_report::terminal::Look;

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ColorWhen {
    /// On a terminal, unless NO_COLOR says otherwise.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Standard output and standard error. A reader that has gone away is no error.
#[derive(Debug)]
pub(super) struct Console {
    color: ColorWhen,
}

impl Console {
    pub(super) fn new(color: ColorWhen) -> Self {
        Self { color }
    }

    /// Writes to standard output.
    pub(super) fn say(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Writes an error to standard error, a line break after it.
    pub(super) fn complain(&self, message: &str) {
        self.note("error", message);
    }

    /// Writes a warning to standard error, a line break after it.
    pub(super) fn warn(&self, message: &str) {
        self.note("warning", message);
    }

    /// Writes to standard error as it is.
    pub(super) fn show(&self, text: &str) {
        let mut err = std::io::stderr().lock();
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }

    /// How reports look on standard output.
    pub(super) fn look(&self) -> Look {
        let out = std::io::stdout();
        let live = out.is_terminal() && std::io::stderr().is_terminal();
        Look { color: self.colors(anstream::AutoStream::choice(&out)), width: columns(), live }
    }

    /// Whether standard error takes colours.
    pub(super) fn colors_errors(&self) -> bool {
        self.colors(anstream::AutoStream::choice(&std::io::stderr()))
    }

    /// Columns for texts that are broken into lines.
    pub(super) fn width(&self) -> usize {
        columns().unwrap_or(100)
    }

    fn note(&self, kind: &str, message: &str) {
        self.show(&format!("{kind}: {}\n", message.trim_end()));
    }

    fn colors(&self, choice: anstream::ColorChoice) -> bool {
        match self.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => choice != anstream::ColorChoice::Never,
        }
    }
}

/// The terminal's columns, or what COLUMNS says; none in a pipe.
fn columns() -> Option<usize> {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    told.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .filter(|columns| *columns >= 20)
}
