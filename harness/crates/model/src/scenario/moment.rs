//! Reads times in the forms that responses use, and measures how far apart they are.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

use super::written_date::{self, WrittenDate, Zone};

/// A date without a zone is any moment of that day anywhere: from its start furthest east to its end furthest west.
const EAST: i64 = 14 * HOUR;
const WEST: i64 = 12 * HOUR;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// Numbers from here on are milliseconds since 1970, smaller ones seconds.
const MILLISECONDS: i64 = 100_000_000_000;

/// The range of moments that a text may mean, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    earliest: i64,
    latest: i64,
}

/// An expanded `5m of MOMENT+90d`.
struct Window<'a> {
    distance: i64,
    of: &'a str,
    offset: i64,
}

/// Why a value is not within a window of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OutsideWindow {
    #[error("`{0}` is not a window of time")]
    Window(String),
    #[error("`{0}`, the centre of the window, is not a time")]
    Centre(String),
    #[error("it is not a time")]
    NotATime,
    #[error("it is {} later", in_words(*.0))]
    Later(i64),
    #[error("it is {} earlier", in_words(*.0))]
    Earlier(i64),
}

/// Tells whether an expanded `5m of MOMENT+90d` has the right form.
pub(crate) fn is_window(text: &str) -> bool {
    window(text).is_some()
}

/// Judges a value with an expanded window such as `5m of MOMENT+90d`.
///
/// # Errors
/// The value is not a time within the window.
pub(crate) fn within(wanted: &str, found: &Value) -> Result<(), OutsideWindow> {
    let Window { distance, of, offset } =
        window(wanted).ok_or_else(|| OutsideWindow::Window(wanted.to_owned()))?;
    let centre = read_text(of).ok_or_else(|| OutsideWindow::Centre(of.to_owned()))?;
    let found = read(found).ok_or(OutsideWindow::NotATime)?;
    let (earliest, latest) = (centre.earliest + offset, centre.latest + offset);
    let (late, early) = (found.earliest - latest, earliest - found.latest);
    if late <= distance && early <= distance {
        return Ok(());
    }
    Err(if late > early { OutsideWindow::Later(late) } else { OutsideWindow::Earlier(early) })
}

/// Returns the moment that an expanded `MOMENT+90d` means, in a form that [`within`] reads.
pub(crate) fn centre(text: &str) -> Option<String> {
    let window_text = format!("0s of {text}");
    let Window { of, offset, .. } = window(&window_text)?;
    let moment = OffsetDateTime::from_unix_timestamp(read_text(of)?.earliest + offset).ok()?;
    moment.format(&Rfc3339).ok()
}

fn window(text: &str) -> Option<Window<'_>> {
    let (distance, rest) = text.split_once(" of ")?;
    let distance = duration(distance)?;
    let signed = rest.rfind(['+', '-']).and_then(|at| {
        let (of, suffix) = rest.split_at_checked(at)?;
        let sign = if suffix.starts_with('-') { -1 } else { 1 };
        Some((of, sign * duration(suffix.get(1..)?)?))
    });
    let (of, offset) = signed.unwrap_or((rest, 0));
    (!of.is_empty()).then_some(Window { distance, of, offset })
}

fn duration(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => HOUR,
        'd' => DAY,
        _ => return None,
    };
    let count = text.get(..text.len() - 1)?;
    if !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    count.parse::<i64>().ok()?.checked_mul(unit)
}

fn read(value: &Value) -> Option<Moment> {
    match value {
        // Fractions of a second do not matter.
        Value::Number(number) => number.to_string().split('.').next()?.parse().ok().map(since_1970),
        Value::String(text) => read_text(text),
        _ => None,
    }
}

fn read_text(text: &str) -> Option<Moment> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(since_1970);
    }
    if let Ok(moment) = OffsetDateTime::parse(text, &Rfc2822) {
        return Some(exactly(moment.unix_timestamp()));
    }
    if let Some(WrittenDate { midnight, time, zone }) = written_date::read(text) {
        return Some(match (time, zone) {
            (Some(time), Some(Zone::Offset(east))) => exactly(midnight + time - east),
            // As in the forms of databases.
            (Some(time), None) => exactly(midnight + time),
            (Some(time), Some(Zone::Named)) => {
                Moment { earliest: midnight + time - EAST, latest: midnight + time + WEST }
            }
            (None, _) => Moment { earliest: midnight - EAST, latest: midnight + DAY + WEST },
        });
    }
    // The forms of databases: a space for the T, and a zone of hours only or none, which means UTC.
    let mut text = text.replacen(' ', "T", 1);
    let zone = text.get(19..)?.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit()).len();
    match zone {
        0 => text.push('Z'),
        3 => text.push_str(":00"),
        _ => {}
    }
    OffsetDateTime::parse(&text, &Rfc3339).ok().map(|moment| exactly(moment.unix_timestamp()))
}

fn since_1970(number: i64) -> Moment {
    exactly(if number >= MILLISECONDS { number / 1_000 } else { number })
}

fn exactly(seconds: i64) -> Moment {
    Moment { earliest: seconds, latest: seconds }
}

fn in_words(seconds: i64) -> String {
    match seconds {
        _ if seconds >= 2 * DAY => format!("{} days", seconds / DAY),
        _ if seconds >= 2 * HOUR => format!("{} hours", seconds / HOUR),
        _ if seconds >= 120 => format!("{} minutes", seconds / 60),
        _ => format!("{seconds} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_in_every_unambiguous_form() {
        // 2026-03-17T10:00:00Z
        let expected = exactly(1_773_741_600);
        for value in [
            json!("2026-03-17T10:00:00Z"),
            json!("2026-03-17T10:00:00.123456Z"),
            json!("2026-03-17T15:30:00+05:30"),
            json!("2026-03-17 10:00:00"),
            json!("2026-03-17T10:00:00"),
            json!("2026-03-17 10:00:00.5+00"),
            json!("2026-03-17 12:00:00+02"),
            json!("Tue, 17 Mar 2026 10:00:00 GMT"),
            json!("17 Mar 2026 10:00 UTC"),
            json!("1773741600"),
            json!(1_773_741_600),
            json!(1_773_741_600_000_i64),
            json!(1_773_741_600.5),
        ] {
            assert_eq!(read(&value), Some(expected), "{value}");
        }
        for value in [json!("soon"), json!(""), json!(null), json!("17.03.2026"), json!(true), json!("é")] {
            assert_eq!(read(&value), None, "{value}");
        }
    }

    #[test]
    fn a_time_outside_the_window_is_reported_with_its_distance() {
        let base = "Tue, 17 Mar 2026 10:00:00 GMT";
        for (window, found, expected) in [
            (format!("5m of {base}+90d"), json!("2026-06-15T10:04:59Z"), Ok(())),
            (format!("5m of {base}+90d"), json!("2026-06-15T09:55:01Z"), Ok(())),
            (format!("5m of {base}+90d"), json!("2026-06-15T10:05:01Z"), Err("it is 5 minutes later")),
            (format!("5m of {base}+90d"), json!("2031-06-14T10:00:00Z"), Err("it is 1825 days later")),
            (format!("5m of {base}+90d"), json!("2026-03-17T10:00:00Z"), Err("it is 90 days earlier")),
            (format!("1s of {base}"), json!(1_773_741_601), Ok(())),
            (format!("1m of {base}-1h"), json!("2026-03-17T09:00:00+00:00"), Ok(())),
            ("1m of 2026-03-17T15:30:00+05:30+1d".to_owned(), json!("2026-03-18T10:00:00Z"), Ok(())),
            (format!("0s of {base}+30d"), json!("2026-04-16"), Ok(())),
            (format!("0s of {base}+30d"), json!("2026-04-18"), Err("it is 24 hours later")),
            (format!("1m of {base}"), json!(null), Err("it is not a time")),
            (
                "1m of whenever+1d".to_owned(),
                json!(0),
                Err("`whenever`, the centre of the window, is not a time"),
            ),
        ] {
            let judged = within(&window, &found).map_err(|error| error.to_string());
            assert_eq!(judged, expected.map_err(str::to_owned), "{window}: {found}");
        }
        for text in ["5m", "5 of x", "m of x", "5m of ", "-5m of x"] {
            assert!(!is_window(text), "{text}");
        }
    }
}
