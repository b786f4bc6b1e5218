//! Defaults from environment variables.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::str::FromStr as _;

use clap::ValueEnum as _;
use harness_report::ReportError;
use harness_report::destination::Destination;

use super::key::{Key, Kind};
use crate::cli::console::ColorWhen;
use crate::cli::error::CliError;

/// Returns the words of a variable; `None` if it is unset or empty.
///
/// # Errors
/// Its value is not one of the flag's.
pub(super) fn read(key: &Key) -> Result<Option<Vec<OsString>>, CliError> {
    let name = key.variable();
    let Some(value) = std::env::var_os(&name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let text = value.to_string_lossy();
    let words = words(key, &text);
    words.map(Some).map_err(|error| CliError::InvalidVariable { name, cause: error.to_string() })
}

#[derive(Debug, thiserror::Error)]
enum InvalidValue {
    #[error("expected {expected}, found `{found}`")]
    Unexpected { expected: &'static str, found: String },
    #[error(transparent)]
    Report(#[from] ReportError),
}

fn words(key: &Key, text: &str) -> Result<Vec<OsString>, InvalidValue> {
    let expected = |expected| InvalidValue::Unexpected { expected, found: text.to_owned() };
    Ok(match key.kind {
        Kind::Path | Kind::Text => vec![key.word(text)],
        Kind::Texts => text.split(',').map(|one| key.word(one.trim())).collect(),
        Kind::Count => {
            NonZeroU32::from_str(text).map_err(|_| expected("a whole number of at least 1"))?;
            vec![key.word(text)]
        }
        Kind::Switch => match text {
            "1" | "true" => vec![key.switch()],
            "0" | "false" => Vec::new(),
            _ => return Err(expected("true or false")),
        },
        Kind::Reports => {
            let all = text.split(',').map(|one| Destination::from_str(one).map(|_| key.word(one)));
            all.collect::<Result<_, _>>()?
        }
        Kind::Folder => match text {
            "true" => vec![key.switch()],
            _ => vec![key.word(text)],
        },
        Kind::Color => {
            ColorWhen::from_str(text, false).map_err(|_| expected("auto, always or never"))?;
            vec![key.word(text)]
        }
    })
}
