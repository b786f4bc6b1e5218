//! Times as the tables show them, in one of the forms that name a moment unambiguously.

use serde_json::{Value, json};
use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::{OffsetDateTime, UtcOffset};

use super::nature::Nature;
use crate::independent::choices::Choice;

/// Seconds since 1970.
pub(super) type Seconds = i64;

pub(super) const MINUTE: Seconds = 60;
pub(super) const DAY: Seconds = 86_400;

pub(super) fn write(at: Seconds, nature: &Nature) -> Value {
    let moment = OffsetDateTime::from_unix_timestamp(at).unwrap();
    let rfc3339 = moment.format(&Rfc3339).unwrap();
    if nature.chooses(Choice::DatesInSeconds) {
        json!(at)
    } else if nature.chooses(Choice::DatesInMilliseconds) {
        json!(at * 1_000 + 137)
    } else if nature.chooses(Choice::DatesWithSpace) {
        json!(rfc3339.replace('T', " ").replace('Z', "+00"))
    } else if nature.chooses(Choice::DatesWithFraction) {
        json!(rfc3339.replace('Z', ".123456789Z"))
    } else if nature.chooses(Choice::DatesElsewhere) {
        let there = UtcOffset::from_hms(5, 30, 0).unwrap();
        json!(moment.to_offset(there).format(&Rfc3339).unwrap())
    } else if nature.chooses(Choice::DatesAsInMail) {
        json!(moment.format(&Rfc2822).unwrap())
    } else if nature.chooses(Choice::DatesWithoutTime) {
        json!(day(at))
    } else {
        json!(rfc3339)
    }
}

/// Reads a time in any of these forms.
pub(super) fn read(value: &Value) -> Option<Seconds> {
    // A number that came back as it was written may have a point.
    let whole = |number: f64| format!("{number:.0}").parse().ok();
    if let Some(number) = value.as_i64().or_else(|| value.as_f64().and_then(whole)) {
        return Some(if number > 100_000_000_000 { number / 1_000 } else { number });
    }
    let text = value.as_str()?;
    let rfc3339 = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ => text.replace(' ', "T").replace("+00", "Z"),
    };
    let read = OffsetDateTime::parse(&rfc3339, &Rfc3339).or_else(|_| OffsetDateTime::parse(text, &Rfc2822));
    read.ok().map(OffsetDateTime::unix_timestamp)
}

/// The date of a moment, in UTC.
pub(super) fn day(at: Seconds) -> String {
    OffsetDateTime::from_unix_timestamp(at).unwrap().date().to_string()
}

/// How long it is until then, as the guide's list says it.
pub(super) fn ahead(seconds: Seconds) -> String {
    match seconds {
        ..0 => "expired".to_owned(),
        0..5_400 => format!("in {} min", seconds / MINUTE),
        5_400..172_800 => format!("in {} hours", seconds / 3_600),
        _ => format!("in {} days", seconds / DAY),
    }
}
