//! Output of commands.

use std::io::{IsTerminal as _, Write as _};

use harness_report::terminal::Look;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

/// Standard output and standard error. Write errors, such as a closed pipe, are ignored.
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

    /// Writes an error message and a line break to standard error.
    pub(super) fn complain(&self, message: &str) {
        self.note("error", message);
    }

    /// Writes a warning and a line break to standard error.
    pub(super) fn warn(&self, message: &str) {
        self.note("warning", message);
    }

    /// Writes to standard error, unchanged.
    pub(super) fn show(&self, text: &str) {
        let mut err = std::io::stderr().lock();
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }

    /// Returns the formatting options of reports on standard output.
    pub(super) fn look(&self) -> Look {
        let out = std::io::stdout();
        let live = out.is_terminal() && std::io::stderr().is_terminal();
        Look { color: self.colors(anstream::AutoStream::choice(&out)), width: columns(), live }
    }

    /// Whether to use colours on standard error.
    pub(super) fn colors_errors(&self) -> bool {
        self.colors(anstream::AutoStream::choice(&std::io::stderr()))
    }

    /// Returns the width for wrapped text.
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

/// Returns COLUMNS or the terminal's width; `None` in a pipe.
fn columns() -> Option<usize> {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    told.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .filter(|columns| *columns >= 20)
}
