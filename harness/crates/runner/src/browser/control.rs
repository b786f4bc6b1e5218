//! Brings fields to values, whatever kind of control they are: text, numbers, dates, lists, options, checkboxes.

use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;

use super::error::BrowserError;
use super::find::{Kind, find, plain, subtree};
use super::obstacle::Obstacle;
use super::session::Browser;
use super::tree::Element;

static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\d+").ok());
static DAYS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)^(\d+) days?\b").ok());

/// Sets what typing does not reach, as the browser's own pickers do.
const SET: &str = "function (value) {
    const own = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(this), 'value');
    own.set.call(this, value);
    this.dispatchEvent(new Event('input', { bubbles: true }));
    this.dispatchEvent(new Event('change', { bubbles: true }));
}";
const OPTIONS: &str = "function () {
    return this instanceof HTMLSelectElement ? Array.from(this.options, option => option.disabled ? '' : option.label) : null;
}";
const CHOOSE: &str = "function (at) {
    this.selectedIndex = Number(at);
    this.dispatchEvent(new Event('input', { bubbles: true }));
    this.dispatchEvent(new Event('change', { bubbles: true }));
}";
const INPUT_TYPE: &str = "function () { return this.type ?? ''; }";
/// How long a list of the page's own may take to open.
const OPEN_LIMIT: Duration = Duration::from_secs(1);

/// Brings a field to a value.
///
/// # Errors
/// The browser has died. `Ok(Err(_))` says why the field does not take the value.
pub(crate) async fn set(
    browser: &mut Browser,
    tree: &[Element],
    field: &Element,
    value: &str,
) -> Result<Result<(), Obstacle>, BrowserError> {
    match field.node.role.as_str() {
        "checkbox" | "switch" | "menuitemcheckbox" => tick(browser, field, is_yes(value)).await,
        "combobox" | "listbox" | "popUpButton" => choose(browser, field, value).await,
        "radiogroup" | "group" => {
            let at = tree.iter().position(|element| element == field).unwrap_or_default();
            let inside = subtree(tree, at);
            match inside.iter().skip(1).find(|element| element.node.role == "spinbutton") {
                Some(number) => type_number(browser, number, value).await,
                None => choose_among(browser, inside, value).await,
            }
        }
        "spinbutton" | "slider" => type_number(browser, field, value).await,
        _ => {
            let kind = browser.call(field, INPUT_TYPE, &[]).await?;
            match kind.as_str() {
                Some(kind @ ("date" | "datetime-local")) => pick_date(browser, field, kind, value).await,
                Some("number" | "range") => type_number(browser, field, value).await,
                _ => browser.type_into(field, value).await,
            }
        }
    }
}

/// Turns what is on or off.
///
/// # Errors
/// The browser has died.
pub(crate) async fn tick(
    browser: &mut Browser,
    element: &Element,
    on: bool,
) -> Result<Result<(), Obstacle>, BrowserError> {
    let is_on = ["checked", "pressed", "selected"]
        .iter()
        .any(|state| element.node.states.iter().any(|known| known == state));
    if is_on == on { Ok(Ok(())) } else { browser.click(element).await }
}

async fn choose(
    browser: &mut Browser,
    field: &Element,
    value: &str,
) -> Result<Result<(), Obstacle>, BrowserError> {
    let options = browser.call(field, OPTIONS, &[]).await?;
    if let Some(options) = options.as_array() {
        let options: Vec<&str> = options.iter().map(|option| option.as_str().unwrap_or_default()).collect();
        return match meant(&options, value) {
            Some(at) => {
                browser.call(field, CHOOSE, &[&at.to_string()]).await?;
                Ok(Ok(()))
            }
            None => Ok(Err(without_option(&field.node.name, value, &options))),
        };
    }
    if let Err(obstacle) = browser.click(field).await? {
        return Ok(Err(obstacle));
    }
    let tree = browser.quiet(OPEN_LIMIT).await?;
    choose_among(browser, &tree, value).await
}

/// Clicks the option that is meant among the elements.
async fn choose_among(
    browser: &mut Browser,
    elements: &[Element],
    value: &str,
) -> Result<Result<(), Obstacle>, BrowserError> {
    if let Ok(option) = find(elements, Kind::Option, &[value.to_owned()]) {
        return browser.click(option).await;
    }
    let options: Vec<&Element> = elements
        .iter()
        .filter(|element| matches!(element.node.role.as_str(), "option" | "radio" | "menuitemradio"))
        .collect();
    let names: Vec<&str> = options.iter().map(|option| option.node.name.as_str()).collect();
    match meant(&names, value).and_then(|at| options.get(at).copied()) {
        Some(option) => browser.click(option).await,
        None => {
            let name = elements.first().map_or("", |element| element.node.name.as_str());
            Ok(Err(without_option(name, value, &names)))
        }
    }
}

async fn type_number(
    browser: &mut Browser,
    field: &Element,
    value: &str,
) -> Result<Result<(), Obstacle>, BrowserError> {
    let number = NUMBER.as_ref().and_then(|form| form.find(value)).map_or(value, |number| number.as_str());
    browser.type_into(field, number).await
}

/// Sets a date so many days ahead of the page's own clock.
async fn pick_date(
    browser: &mut Browser,
    field: &Element,
    kind: &str,
    value: &str,
) -> Result<Result<(), Obstacle>, BrowserError> {
    let days = DAYS.as_ref().and_then(|form| form.captures(value)).and_then(|found| found.get(1));
    let Some(days) = days.and_then(|days| days.as_str().parse::<u32>().ok()) else {
        browser.call(field, SET, &[value]).await?;
        return Ok(Ok(()));
    };
    let length = if kind == "date" { 10 } else { 16 };
    let expression = format!(
        "(() => {{ const then = new Date(Date.now() + {days} * 86400000); \
         return new Date(then - then.getTimezoneOffset() * 60000).toISOString().slice(0, {length}); }})()"
    );
    let date = browser.evaluate(&expression).await?;
    browser.call(field, SET, &[date.as_str().unwrap_or_default()]).await?;
    Ok(Ok(()))
}

/// Returns the position of the option that is meant: the same words, or these among others, or else the same number.
fn meant(options: &[&str], value: &str) -> Option<usize> {
    let wanted = plain(value);
    let alike = |is_alike: &dyn Fn(&str) -> bool| {
        let mut found = options.iter().enumerate().filter(|(_, option)| is_alike(option)).map(|(at, _)| at);
        let first = found.next();
        first.filter(|_| found.next().is_none())
    };
    let number = |text: &str| -> Option<u64> {
        NUMBER
            .as_ref()?
            .find(&text.replace([',', '’', ' '], ""))
            .and_then(|found| found.as_str().parse().ok())
    };
    let wanted_number = number(value);
    alike(&|option| plain(option) == wanted)
        .or_else(|| alike(&|option| format!(" {} ", plain(option)).contains(&format!(" {wanted} "))))
        .or_else(|| alike(&|option| wanted_number.is_some() && number(option) == wanted_number))
}

fn is_yes(value: &str) -> bool {
    matches!(plain(value).as_str(), "yes" | "true" | "on" | "1")
}

fn without_option(field: &str, value: &str, options: &[&str]) -> Obstacle {
    let options = options.iter().map(|option| (*option).to_owned()).collect();
    Obstacle::NoOption { field: field.to_owned(), value: value.to_owned(), options }
}

#[cfg(test)]
mod tests {
    use super::meant;

    #[test]
    fn options_are_meant_by_words_or_numbers() {
        let rates = ["30/min", "60/min", "300/min", "1,000/min"];
        let expiries = ["1 day", "7 days", "30 days (default)", "90 days"];
        for (options, value, at) in [
            (&rates, "60/min", Some(1)),
            (&rates, "60", Some(1)),
            (&rates, "1000/min", Some(3)),
            (&rates, "120/min", None),
            (&expiries, "30 days", Some(2)),
            (&expiries, "7 days", Some(1)),
            (&expiries, "1 day", Some(0)),
        ] {
            assert_eq!(meant(options, value), at, "{value}");
        }
    }
}
