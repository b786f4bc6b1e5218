//! `harness diff`: compares two runs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use harness_report::comparison::{Comparison, Patience, markdown, text};
use harness_report::exit_code::KIT;
use harness_report::terminal::Paint;

use super::console::Console;
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

/// The thresholds without flags.
pub(super) fn patience() -> Patience {
    Patience { factor: SLOWER, floor_ms: FLOOR, is_regression: false }
}

pub(super) fn diff(arguments: &Arguments, console: &Console) -> u8 {
    let both = stored::read(&arguments.before, console).and_then(|before| {
        let after = stored::read(&arguments.after, console)?;
        Ok((before, after))
    });
    let (before, after) = match both {
        Ok(both) => both,
        Err(code) => return code,
    };
    let patience = Patience {
        factor: arguments.slower.unwrap_or(SLOWER),
        floor_ms: arguments.slower_floor,
        is_regression: arguments.slower.is_some(),
    };
    let comparison = Comparison::of(&before, &after, patience);
    let shown = match arguments.format {
        Format::Text => text(&comparison, Paint::new(console.look().color), console.width()),
        Format::Markdown => markdown(&comparison),
        Format::Json => match serde_json::to_string_pretty(&comparison) {
            Ok(json) => json + "\n",
            Err(error) => {
                console.complain(&format!("serialising the comparison failed: {error}"));
                return KIT;
            }
        },
    };
    console.say(&shown);
    u8::from(comparison.regressions > 0)
}

fn factor(text: &str) -> Result<f64, String> {
    let factor = text.parse().ok().filter(|factor: &f64| factor.is_finite() && *factor >= 1.0);
    factor.ok_or_else(|| "expected a number of at least 1, such as 2.0".to_owned())
}
