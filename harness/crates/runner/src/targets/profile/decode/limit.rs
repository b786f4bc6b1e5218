//! Decodes `[limits]` and `[timeouts]`.

use std::num::NonZeroU32;
use std::time::Duration;

use toml::de::DeValue;

use harness_model::source::document::{Entry, SpannedText, Table};

use super::Decoding;
use crate::targets::profile::content::{Limits, Timeouts};

const MAX_SETTLE: Duration = Duration::from_secs(600);

impl Decoding<'_> {
    pub(super) fn limits(&mut self, file: &Table<'_, '_>) -> Limits {
        let keys = ["requests_per_second", "concurrency", "answer_bytes"];
        let Some(table) = self.table(file, "limits", &keys) else { return Limits::default() };
        let mut whole = |key: &str| {
            let number: Option<i64> = table.get(key)?.integer("an integer above 0", self.report);
            let fits = number.and_then(|number| NonZeroU32::new(u32::try_from(number).ok()?));
            if let (Some(number), None) = (number, fits) {
                let span = table.get(key).map(Entry::span).unwrap_or_default();
                self.report.error(
                    span,
                    format!("`{key}` must be an integer above 0 that fits in 32 bits, not {number}"),
                );
            }
            fits
        };
        let (concurrency, answer_bytes) = (whole("concurrency"), whole("answer_bytes"));
        Limits { requests_per_second: self.rate(&table), concurrency, answer_bytes }
    }

    pub(super) fn timeouts(&mut self, file: &Table<'_, '_>) -> Timeouts {
        let defaults = Timeouts::default();
        let keys = ["connect", "request", "subtest", "settle", "silence"];
        let Some(table) = self.table(file, "timeouts", &keys) else { return defaults };
        let mut time = |key, defaults| self.duration(&table, key).unwrap_or(defaults);
        Timeouts {
            connect: time("connect", defaults.connect),
            request: time("request", defaults.request),
            subtest: time("subtest", defaults.subtest),
            silence: time("silence", defaults.silence),
            settle: self.settle(&table),
        }
    }

    /// Every check of an absence waits as long.
    fn settle(&mut self, table: &Table<'_, '_>) -> Option<Duration> {
        let settle = self.duration(table, "settle")?;
        if settle > MAX_SETTLE {
            let span = table.get("settle").map(Entry::span).unwrap_or_default();
            self.report.error(span, "`settle` must be at most 10m");
            return None;
        }
        Some(settle)
    }

    fn rate(&mut self, limits: &Table<'_, '_>) -> Option<f64> {
        let entry = limits.get("requests_per_second")?;
        let text = match entry.value.get_ref() {
            DeValue::Integer(integer) => integer.as_str().to_owned(),
            DeValue::Float(float) => float.as_str().to_owned(),
            _ => String::new(),
        };
        match text.parse::<f64>() {
            Ok(rate) if rate.is_finite() && rate >= 0.01 => Some(rate),
            _ => {
                entry.expected("a number of at least 0.01", self.report);
                None
            }
        }
    }

    fn duration(&mut self, table: &Table<'_, '_>, key: &str) -> Option<Duration> {
        let entry = table.get(key)?;
        let SpannedText { text, span } = entry.string(self.report)?;
        match humantime::parse_duration(text) {
            Ok(duration) if !duration.is_zero() => return Some(duration),
            Ok(_) => self.report.error(span, format!("`{key}` must be greater than zero")),
            Err(error) => self.report.error_with_help(
                span,
                format!("invalid duration `{text}`: {error}"),
                "use a duration such as \"10s\" or \"2m\"",
            ),
        }
        None
    }
}
