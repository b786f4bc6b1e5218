//! The two streams a person or a script reads.

use std::io::Write as _;

use super::secret::redact;

/// One line on standard output, flushed: scripts wait for it through a pipe.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // A reader that has gone (`ztna … | head -1`) is no failure of the command.
    let _ = writeln!(out, "{}", printable(line)).and_then(|()| out.flush());
}

/// One line on standard error; keys that slipped into it are cut.
pub(crate) fn warn(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", redact(&printable(line)));
}

/// `text` without control characters other than line ends: names and messages come from elsewhere, and must
/// not be able to drive the reader's terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_escape() {
        assert_eq!(printable("a\u{1b}[31mb\r\nc"), "a\u{fffd}[31mb\u{fffd}\nc");
    }
}
