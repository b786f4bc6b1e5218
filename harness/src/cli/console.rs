use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

use harness_model::source::diagnostic::{Diagnostic, Sources, render};
use harness_model::text::foreign::{shown, shown_in_colour};
use harness_report::terminal::{Detail, TerminalOptions};

use harness_runner::targets::TargetError;

use super::error::{CliError, severities};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

/// Standard output and standard error. Text of others is shown as [`shown_in_colour`] shows it. That nobody reads on (a
/// closed pipe) is ignored; any other error of standard output is kept, since what was to be printed is lost.
#[derive(Debug)]
pub(super) struct Console {
    color: ColorWhen,
    detail: Detail,
    lost: Mutex<Option<io::Error>>,
}

/// Standard output, as a writer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output<'a>(&'a Console);

impl Console {
    pub(super) fn new(color: ColorWhen, detail: Detail) -> Self {
        Self { color, detail, lost: Mutex::default() }
    }

    /// Writes to standard output.
    pub(super) fn print(&self, text: &str) {
        self.print_verbatim(&shown_with(text, self.terminal_options().color));
    }

    /// Writes to standard output what `-q` leaves out.
    pub(super) fn remark(&self, text: &str) {
        if self.detail != Detail::Quiet {
            self.print(text);
        }
    }

    /// Writes text of the kit's own to standard output, such as commands for a CI server.
    pub(super) fn print_verbatim(&self, text: &str) {
        // The error is kept by the writer.
        let _ = self.output().write_all(text.as_bytes());
    }

    /// Returns standard output as a writer.
    pub(super) fn output(&self) -> Output<'_> {
        Output(self)
    }

    /// Returns why a part of standard output is lost.
    pub(super) fn lost(&self) -> Option<CliError> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner).take();
        lost.map(CliError::StandardOutput)
    }

    /// Writes an error message and a line break to standard error.
    pub(super) fn error(&self, message: &str) {
        self.note("error", message);
    }

    /// Prints the error that ended a command.
    pub(super) fn report(&self, error: &CliError) {
        if let CliError::Mistakes(mistakes) = error {
            self.eprint_diagnostics(&mistakes.diagnostics, &mistakes.sources);
        }
        self.error(&error.to_string());
    }

    /// Prints why a target cannot be judged, at the places in its profile if the profile is to blame.
    pub(super) fn report_target(&self, error: &TargetError) {
        let TargetError::Profile(notes) = error else { return self.error(&error.to_string()) };
        self.eprint_diagnostics(&notes.diagnostics, &notes.sources);
        self.error(&format!("{}; nothing was run", severities(&notes.diagnostics)));
    }

    /// Shows diagnostics with carets on standard error.
    pub(super) fn eprint_diagnostics(&self, diagnostics: &[Diagnostic], sources: &Sources) {
        self.eprint(&render(diagnostics, sources, self.has_color_on_stderr(), self.width()));
    }

    /// Writes a warning and a line break to standard error.
    pub(super) fn warn(&self, message: &str) {
        self.note("warning", message);
    }

    /// Writes to standard error what `-q` leaves out.
    pub(super) fn eprint_remark(&self, text: &str) {
        if self.detail != Detail::Quiet {
            self.eprint(text);
        }
    }

    /// Writes to standard error.
    pub(super) fn eprint(&self, text: &str) {
        let text = shown_with(text, self.has_color_on_stderr());
        let mut err = std::io::stderr().lock();
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }

    /// Returns the formatting options of reports on standard output.
    pub(super) fn terminal_options(&self) -> TerminalOptions {
        let out = std::io::stdout();
        let live = out.is_terminal() && std::io::stderr().is_terminal();
        TerminalOptions {
            color: self.colors(anstream::AutoStream::choice(&out)),
            width: columns(),
            live,
            detail: self.detail,
        }
    }

    /// Whether to use colours on standard error.
    fn has_color_on_stderr(&self) -> bool {
        self.colors(anstream::AutoStream::choice(&std::io::stderr()))
    }

    /// Returns the width for wrapped text.
    pub(super) fn width(&self) -> usize {
        columns().unwrap_or(100)
    }

    fn note(&self, kind: &str, message: &str) {
        self.eprint(&format!("{kind}: {}\n", message.trim_end()));
    }

    fn colors(&self, choice: anstream::ColorChoice) -> bool {
        match self.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => choice != anstream::ColorChoice::Never,
        }
    }
}

impl io::Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut out = io::stdout().lock();
        // Flushed at once, as otherwise nobody learns that the disk is full.
        let written = out.write_all(bytes).and_then(|()| out.flush());
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            self.0.lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
        // The run goes on in any case.
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn shown_with(text: &str, color: bool) -> Cow<'_, str> {
    if color { shown_in_colour(text) } else { shown(text) }
}

/// Returns COLUMNS or the terminal's width; `None` in a pipe.
fn columns() -> Option<usize> {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    told.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .filter(|columns| *columns >= 20)
}
