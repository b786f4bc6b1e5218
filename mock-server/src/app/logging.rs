//! Logging of the program. As a library, the server leaves it to its host.

use std::env::VarError;
use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Human-readable.
    Text,
    /// One JSON object per line.
    Json,
}

const DEFAULT_LEVEL: LevelFilter = LevelFilter::INFO;

/// Logs to standard error, filtered by RUST_LOG.
pub(super) fn install(format: LogFormat) {
    let (filter, problem) = match std::env::var("RUST_LOG") {
        Err(VarError::NotUnicode(_)) => (usual(), Some("it is not UTF-8".to_owned())),
        rust_log => parse_filter(&rust_log.unwrap_or_default()),
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(std::io::stderr)
        .with_ansi(use_colour(std::io::stderr().is_terminal(), std::env::var("NO_COLOR").ok().as_deref()))
        // Otherwise, a closed standard error causes a panic.
        .log_internal_errors(false);
    // The WebSocket library would log the bytes of frames: proofs and datagrams.
    let filter = filter.with_target("tungstenite", LevelFilter::INFO);
    match format {
        LogFormat::Text => log.finish().with(filter).init(),
        LogFormat::Json => log.json().finish().with(filter).init(),
    }
    if let Some(reason) = problem {
        tracing::warn!(reason, "invalid RUST_LOG: expected for example debug or mock_server=trace");
    }
}

/// Parses a filter; falls back to the default and returns the problem if it is invalid.
fn parse_filter(text: &str) -> (Targets, Option<String>) {
    if text.trim().is_empty() {
        return (usual(), None);
    }
    match text.parse::<Targets>() {
        Ok(filter) => (filter, None),
        Err(error) => (usual(), Some(error.to_string())),
    }
}

fn usual() -> Targets {
    Targets::new().with_default(DEFAULT_LEVEL)
}

/// Whether to colour lines: on a terminal, unless disabled by <https://no-color.org>.
fn use_colour(terminal: bool, no_color: Option<&str>) -> bool {
    terminal && no_color.is_none_or(str::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_filters_fall_back_to_the_default() {
        for (text, expected, invalid) in [
            ("", "info", false),
            (" ", "info", false),
            ("trace", "trace", false),
            ("mock_server=debug,warn", "mock_server=debug,warn", false),
            ("mock_server=loud", "info", true),
        ] {
            let (filter, problem) = parse_filter(text);
            assert_eq!((filter.to_string().as_str(), problem.is_some()), (expected, invalid), "{text:?}");
        }
    }

    #[test]
    fn only_terminals_get_colours() {
        for (terminal, no_color, coloured) in
            [(true, None, true), (true, Some(""), true), (true, Some("1"), false), (false, None, false)]
        {
            assert_eq!(use_colour(terminal, no_color), coloured, "{terminal} {no_color:?}");
        }
    }
}
