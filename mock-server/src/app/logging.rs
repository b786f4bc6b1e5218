//! The log of the program; as a library the server leaves logging to its host.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// For programs: one object a line.
    Json,
}

/// What is logged unless RUST_LOG says otherwise.
const USUAL: &str = "info";

/// Sends the log to standard error: what RUST_LOG asks for, else what is worth knowing.
pub(super) fn install(format: LogFormat) {
    let asked = std::env::var("RUST_LOG").unwrap_or_default();
    let (filter, mistake) = filter(&asked);
    let log = tracing_subscriber::fmt()
        .with_env_filter(without_frames(filter))
        .with_writer(std::io::stderr)
        .with_ansi(colours(std::io::stderr().is_terminal(), std::env::var("NO_COLOR").ok().as_deref()))
        // A standard error that nobody reads would be a panic.
        .log_internal_errors(false);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    if let Some(reason) = mistake {
        tracing::warn!(
            reason,
            "RUST_LOG is not understood; write RUST_LOG=debug or RUST_LOG=mock_server=trace"
        );
    }
}

/// The filter that `asked` describes, or the usual one and what is wrong with `asked`.
fn filter(asked: &str) -> (EnvFilter, Option<String>) {
    if asked.trim().is_empty() {
        return (EnvFilter::new(USUAL), None);
    }
    match EnvFilter::try_new(asked) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(USUAL), Some(error.to_string())),
    }
}

/// The WebSocket library would log each frame byte by byte: proofs and what machines send each other.
fn without_frames(filter: EnvFilter) -> EnvFilter {
    match "tungstenite=info".parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    }
}

/// Whether lines are coloured: for a terminal, unless <https://no-color.org> is heeded.
fn colours(terminal: bool, no_color: Option<&str>) -> bool {
    terminal && no_color.is_none_or(str::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_logged_and_a_mistake_is_told() {
        for (asked, meant, mistaken) in [
            ("", "info", false),
            (" ", "info", false),
            ("trace", "trace", false),
            ("mock_server=debug,warn", "mock_server=debug,warn", false),
            ("mock_server=loud", "info", true),
        ] {
            let (filter, mistake) = filter(asked);
            assert_eq!((filter.to_string().as_str(), mistake.is_some()), (meant, mistaken), "{asked:?}");
        }
    }

    #[test]
    fn only_a_terminal_gets_colours() {
        for (terminal, no_color, coloured) in
            [(true, None, true), (true, Some(""), true), (true, Some("1"), false), (false, None, false)]
        {
            assert_eq!(colours(terminal, no_color), coloured, "{terminal} {no_color:?}");
        }
    }
}
