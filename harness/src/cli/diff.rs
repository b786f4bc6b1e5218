//! `harness diff`: compares two runs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use harness_report::comparison::{Comparison, SlowdownLimits, markdown, text};
use harness_report::exit_code::ExitCode;
use harness_report::terminal::Paint;

use super::console::Console;
use super::error::CliError;
use super::stored;

/// Factor from which slower sub-tests are listed without --slower.
const SLOWER: f64 = 2.0;
/// Minimum increase in milliseconds: less is noise.
const FLOOR: u64 = 500;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The earlier results.json
    #[arg(value_name = "BEFORE")]
    before: PathBuf,
    /// The later results.json
    #[arg(value_name = "AFTER")]
    after: PathBuf,
    /// Treat sub-tests that take more than FACTOR times as long as regressions [default: only list those above 2.0]
    #[arg(long, value_name = "FACTOR", value_parser = factor)]
    slower: Option<f64>,
    /// Ignore slowdowns of less than MS milliseconds
    #[arg(long, value_name = "MS", default_value_t = FLOOR)]
    slower_floor: u64,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Plain text
    Text,
    /// JSON
    Json,
    /// Markdown for a pull request
    Markdown,
}

pub(super) fn default_limits() -> SlowdownLimits {
    SlowdownLimits { factor: SLOWER, floor_ms: FLOOR, is_regression: false }
}

pub(super) fn diff(arguments: &Arguments, console: &Console) -> Result<ExitCode, CliError> {
    let (before, after) = (stored::read(&arguments.before)?, stored::read(&arguments.after)?);
    let limits = SlowdownLimits {
        factor: arguments.slower.unwrap_or(SLOWER),
        floor_ms: arguments.slower_floor,
        is_regression: arguments.slower.is_some(),
    };
    let comparison = Comparison::of(&before, &after, limits);
    console.print(&match arguments.format {
        Format::Text => text(&comparison, Paint::new(console.terminal_options().color), console.width()),
        Format::Markdown => markdown(&comparison),
        Format::Json => serde_json::to_string_pretty(&comparison)? + "\n",
    });
    let has_regressions = comparison.regressions > 0;
    Ok(if has_regressions { ExitCode::NonConformant } else { ExitCode::Conformant })
}

#[derive(Debug, thiserror::Error)]
#[error("expected a number of at least 1, such as 2.0")]
struct InvalidFactor;

fn factor(text: &str) -> Result<f64, InvalidFactor> {
    let factor = text.parse().ok().filter(|factor: &f64| factor.is_finite() && *factor >= 1.0);
    factor.ok_or(InvalidFactor)
}
