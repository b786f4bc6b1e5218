//! Reads dates as programs write them for people, in forms whose day and month cannot be confused.

use time::{Date, Month, Time};

const HOUR: i64 = 3_600;

/// A date with what else was written beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WrittenDate {
    /// The beginning of the day in UTC, in seconds since 1970.
    pub(super) midnight: i64,
    /// In seconds since the beginning of the day.
    pub(super) time: Option<i64>,
    pub(super) zone: Option<Zone>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    /// In seconds east of UTC.
    Offset(i64),
    /// An abbreviation, which may mean several zones.
    Named,
}

/// Reads `16 Apr 2026`, `April 16, 2026 9:05 PM`, `2026/04/16 21:05 UTC` and the like.
pub(super) fn read(text: &str) -> Option<WrittenDate> {
    let mut words = text.split([' ', ',']).filter(|word| !word.is_empty() && !is_weekday(word)).peekable();
    let first = words.next()?;
    let date = match year_first(first) {
        Some(date) => date,
        None => day_and_month(first, words.next()?, words.next()?)?,
    };
    let mut time = words.next().map(time_of_day);
    if let Some(Some(time)) = &mut time
        && let Some(half) = words.next_if(|word| is_half(word))
    {
        *time = time.rem_euclid(12 * HOUR) + if half.eq_ignore_ascii_case("pm") { 12 * HOUR } else { 0 };
    }
    let time = match time {
        Some(None) => return None,
        other => other.flatten(),
    };
    let zone = match words.next() {
        None => None,
        Some(word) => Some(zone(word)?),
    };
    let midnight = date.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp();
    words.next().is_none().then_some(WrittenDate { midnight, time, zone })
}

fn year_first(word: &str) -> Option<Date> {
    let [year, month, day] = word.split(['-', '/', '.']).collect::<Vec<_>>().try_into().ok()?;
    let month: u8 = month.parse().ok()?;
    dated(year, Month::try_from(month).ok()?, day)
}

fn day_and_month(first: &str, second: &str, year: &str) -> Option<Date> {
    match (month(first), month(second)) {
        (Some(month), None) => dated(year, month, second),
        (None, Some(month)) => dated(year, month, first),
        _ => None,
    }
}

fn dated(year: &str, month: Month, day: &str) -> Option<Date> {
    let year = (year.len() == 4).then(|| year.parse().ok()).flatten()?;
    Date::from_calendar_date(year, month, day.trim_end_matches(char::is_alphabetic).parse().ok()?).ok()
}

fn month(word: &str) -> Option<Month> {
    let word = word.trim_end_matches('.').to_ascii_lowercase();
    let mut months = (1..=12).filter_map(|number| Month::try_from(number).ok());
    months.find(|month| word.len() >= 3 && month.to_string().to_ascii_lowercase().starts_with(&word))
}

fn time_of_day(word: &str) -> Option<i64> {
    let mut parts = word.split(':');
    let (hours, minutes) = (parts.next()?.parse::<i64>().ok()?, parts.next()?.parse::<i64>().ok()?);
    let seconds = match parts.next() {
        None => 0,
        Some(seconds) => seconds.split('.').next()?.parse::<i64>().ok()?,
    };
    let is_time = (0..24).contains(&hours) && (0..60).contains(&minutes) && (0..61).contains(&seconds);
    (is_time && parts.next().is_none()).then_some(hours * HOUR + minutes * 60 + seconds)
}

fn zone(word: &str) -> Option<Zone> {
    if matches!(word, "Z" | "UTC" | "GMT") {
        return Some(Zone::Offset(0));
    }
    if word.chars().all(|c| c.is_ascii_uppercase()) {
        return Some(Zone::Named);
    }
    let (sign, digits) = match word.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits = digits.replace(':', "");
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = if minutes.is_empty() { 0 } else { minutes.parse::<i64>().ok()? };
    Some(Zone::Offset(sign * (hours.parse::<i64>().ok()? * HOUR + minutes * 60)))
}

fn is_half(word: &str) -> bool {
    word.eq_ignore_ascii_case("am") || word.eq_ignore_ascii_case("pm")
}

fn is_weekday(word: &str) -> bool {
    let word = word.trim_end_matches('.').to_ascii_lowercase();
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    word.len() >= 3 && days.iter().any(|day| day.starts_with(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_where_day_and_month_are_distinct() {
        // 2026-04-16
        let midnight = 1_776_297_600;
        let utc = Some(Zone::Offset(0));
        for (text, time, zone) in [
            ("16 Apr 2026", None, None),
            ("16 April 2026", None, None),
            ("Apr 16, 2026", None, None),
            ("Thu, 16 Apr 2026", None, None),
            ("Thursday, April 16th, 2026", None, None),
            ("2026/04/16", None, None),
            ("2026-04-16 09:05", Some(9 * HOUR + 300), None),
            ("2026-04-16 09:05 UTC", Some(9 * HOUR + 300), utc),
            ("2026-04-16 09:05:07 +0200", Some(9 * HOUR + 307), Some(Zone::Offset(2 * HOUR))),
            ("16 Apr 2026 21:05 CEST", Some(21 * HOUR + 300), Some(Zone::Named)),
            ("Apr 16 2026, 9:05 PM", Some(21 * HOUR + 300), None),
            ("Apr 16 2026, 12:05 AM", Some(300), None),
        ] {
            assert_eq!(read(text), Some(WrittenDate { midnight, time, zone }), "{text}");
        }
        for text in
            ["", "16.04.2026", "04/16/2026", "16/04/26", "never", "in 45 min", "31 Apr 2026", "16 Apr 26"]
        {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read("2026-04-16 (revoked)"), None);
    }
}
