//! `harness.toml`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;

use clap::ValueEnum as _;
use harness_model::source::diagnostic::Sources;
use harness_model::source::document::{Diagnostics, Entry, SpannedText, Table, parse};
use harness_model::source::{Source, unix_lines};
use harness_report::destination::Destination;

use super::key::{KEYS, Key, Kind};
use super::place::Place;
use crate::cli::console::ColorWhen;
use crate::cli::error::CliError;

const NAME: &str = "harness.toml";

/// The file's defaults.
#[derive(Debug)]
pub(super) struct DefaultsFile {
    /// The path shown in messages.
    pub(super) shown: PathBuf,
    /// The words of the command line, by flag.
    pub(super) words: BTreeMap<&'static str, Vec<OsString>>,
}

/// Reads the file; `None` if there is none.
///
/// # Errors
/// A named file cannot be read, or the file has mistakes.
pub(super) fn read(place: &Place) -> Result<Option<DefaultsFile>, CliError> {
    let path = match place {
        Place::Nowhere => return Ok(None),
        Place::Named(path) => path.clone(),
        Place::Found => match found() {
            Some(path) => path,
            None => return Ok(None),
        },
    };
    let text =
        std::fs::read_to_string(&path).map_err(|cause| CliError::ReadFile { path: path.clone(), cause })?;
    let source = Arc::new(Source::new(&path, unix_lines(text)));
    let mut report = Diagnostics::new(&path);
    let words = decode(&source, path.parent().unwrap_or(Path::new("")), &mut report);
    if report.has_errors() {
        let mut sources = Sources::default();
        sources.add(source);
        return Err(CliError::nothing_was_run(report.into_diagnostics(), sources));
    }
    Ok(Some(DefaultsFile { shown: path, words }))
}

/// Looks in the folder and those above it, up to the root of the repository, and returns the relative path.
fn found() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let mut above = PathBuf::new();
    for folder in here.ancestors() {
        if folder.join(NAME).is_file() {
            return Some(above.join(NAME));
        }
        if folder.join(".git").exists() {
            return None;
        }
        above.push("..");
    }
    None
}

fn decode(source: &Source, folder: &Path, report: &mut Diagnostics) -> BTreeMap<&'static str, Vec<OsString>> {
    let Some(root) = parse(&source.text, report) else { return BTreeMap::new() };
    let file = Table::new(NAME, 0..0, root.get_ref());
    file.only(&KEYS.each_ref().map(|key| key.name), report);
    let words_of = |key: &Key, report: &mut Diagnostics| words(key, file.get(key.name)?, folder, report);
    let all = KEYS.iter().filter_map(|key| Some((key.name, words_of(key, report)?)));
    all.collect()
}

fn words(key: &Key, entry: &Entry<'_, '_>, folder: &Path, report: &mut Diagnostics) -> Option<Vec<OsString>> {
    let path = |text: &str| key.word(&folder.join(text).to_string_lossy());
    Some(match key.kind {
        Kind::Path => vec![path(entry.string(report)?.text)],
        Kind::Text => vec![key.word(entry.string(report)?.text)],
        Kind::Texts => entry.strings(report).iter().map(|one| key.word(one.text)).collect(),
        Kind::Count => {
            let expected = "a whole number of at least 1";
            let count: u32 = entry.integer(expected, report)?;
            if count == 0 {
                report.error(entry.span(), format!("`{}` must be {expected}, found 0", key.name));
                return None;
            }
            vec![key.word(&count.to_string())]
        }
        Kind::Switch => entry.boolean(report)?.then(|| key.switch()).into_iter().collect(),
        Kind::Reports => {
            let all = entry.strings(report);
            all.iter().filter_map(|one| destination(key, one, folder, report)).collect()
        }
        Kind::Folder => match entry.value.get_ref().as_bool() {
            Some(is_wanted) => is_wanted.then(|| key.switch()).into_iter().collect(),
            None => vec![path(entry.string(report)?.text)],
        },
        Kind::Color => {
            let SpannedText { text, span } = entry.string(report)?;
            if ColorWhen::from_str(text, false).is_err() {
                report.error(span, "`color` must be auto, always or never");
                return None;
            }
            vec![key.word(text)]
        }
    })
}

/// Returns the word for a report, whose path is relative to the file.
fn destination(
    key: &Key,
    text: &SpannedText<'_>,
    folder: &Path,
    report: &mut Diagnostics,
) -> Option<OsString> {
    if let Err(error) = Destination::from_str(text.text) {
        report.error(text.span.clone(), error.to_string());
        return None;
    }
    let (format, path) = text.text.split_once('=')?;
    Some(key.word(&format!("{format}={}", folder.join(path).display())))
}
