//! Output to standard output and standard error.

use std::io::Write as _;

use super::secret::redact;

/// Prints one line to standard output and flushes it, since scripts wait for it through a pipe.
pub(crate) fn print_line(line: &str) {
    let mut out = std::io::stdout().lock();
    // A closed reader (`ztna … | head -1`) does not fail the command.
    let _ = writeln!(out, "{}", printable(line)).and_then(|()| out.flush());
}

/// Prints one line to standard error, with keys redacted.
pub(crate) fn print_warning(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", redact(&printable(line)));
}

/// Replaces control characters other than line feeds: names and messages come from outside and must not control
/// the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(printable("a\u{1b}[31mb\r\nc"), "a\u{fffd}[31mb\u{fffd}\nc");
    }
}
