//! Dates as pages show them.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::scenario::moment::{centre, within};

/// Matches a date of numbers, whose day and month may be in either order.
static NUMBERS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(\d{1,2})[./-](\d{1,2})[./-](\d{4})\b").ok());
/// Matches a date with the name of its month, or with its year first.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let month = "[A-Za-z]{3,9}\\.?";
    Regex::new(&format!(
        r"\b\d{{4}}-\d{{2}}-\d{{2}}\b|\b\d{{1,2}}\.? {month},? \d{{4}}\b|\b{month} \d{{1,2}}(st|nd|rd|th)?,? \d{{4}}\b"
    ))
    .ok()
});
/// Matches how far away a date is.
static RELATIVE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(?:in|expires in)?\s*(\d+) (minute|min|hour|day)s?\b").ok());

/// Judges whether the text shows a date within an expanded window such as `2d of MOMENT+30d`. A date of numbers alone may
/// have its day or its month first.
pub(super) fn shows_date_within(window: &str, text: &str, read_at: &str) -> bool {
    let is_within = |text: &str| within(window, &Value::String(text.to_owned())).is_ok();
    if is_within(text) {
        return true;
    }
    let found = |form: &LazyLock<Option<Regex>>| -> Vec<String> {
        let form = form.as_ref();
        form.into_iter().flat_map(|form| form.find_iter(text)).map(|one| one.as_str().to_owned()).collect()
    };
    if found(&NAMED).iter().any(|date| is_within(date)) {
        return true;
    }
    let numbers = NUMBERS.as_ref().into_iter().flat_map(|form| form.captures_iter(text));
    for date in numbers {
        let [first, second, year] = [1, 2, 3].map(|at| date.get(at).map_or("", |part| part.as_str()));
        let orders = [(first, second), (second, first)];
        if orders.iter().any(|(day, month)| is_within(&format!("{year}-{month:0>2}-{day:0>2}"))) {
            return true;
        }
    }
    let relative = RELATIVE.as_ref().into_iter().flat_map(|form| form.captures_iter(text));
    relative.into_iter().any(|found| {
        let [count, unit] = [1, 2].map(|at| found.get(at).map_or("", |part| part.as_str()));
        let unit = unit.chars().next().map_or('d', |unit| unit.to_ascii_lowercase());
        centre(&format!("{read_at}+{count}{unit}")).is_some_and(|moment| is_within(&moment))
    })
}
