//! Judges what the kit's browser saw of a dashboard. Everything is derived from the recorded tree, requests and storage, so
//! that a recording is judged the same way.

mod content;
mod date;
mod row;

use serde_json::Value;

use crate::scenario::model::{Matcher, Template};
use crate::scenario::template::Scope;

use super::evidence::PageResult;
use super::finding::{Finding, Message};
use super::{matcher, requests, value};

pub use content::{json, outline, text};

use row::{Closest, rows};

/// Judges the page's text.
pub(super) fn text_matches(wanted: &Matcher, page: &PageResult, scope: Scope<'_>) -> Finding {
    undone(page, "page").unwrap_or_else(|| {
        let text = Value::String(text(page));
        value::value("page".to_owned(), wanted, Some(&text), "no text", scope)
    })
}

/// Expects a row of a list with these values under these labels.
pub(super) fn row(wanted: &[(String, Matcher)], page: &PageResult, scope: Scope<'_>) -> Finding {
    undone(page, "row").unwrap_or_else(|| judge_rows(wanted, page, scope, true))
}

/// Expects no such row.
pub(super) fn no_row(wanted: &[(String, Matcher)], page: &PageResult, scope: Scope<'_>) -> Finding {
    undone(page, "row").unwrap_or_else(|| judge_rows(wanted, page, scope, false))
}

/// Judges whether the step could be done at all.
pub(super) fn done(wanted: bool, page: &PageResult) -> Finding {
    let state = |is_done| if is_done { "everything could be done" } else { "it cannot be done" };
    let mut finding =
        Finding::new(page.problem.is_none() == wanted, "page", state(wanted).to_owned(), actual(page));
    if let (true, Some(problem)) = (wanted, &page.problem) {
        finding.message = Message::Said(problem.clone());
    }
    finding
}

/// Expects these among the page's requests.
pub(super) fn requests(wanted: &[Template], page: &PageResult, scope: Scope<'_>) -> Finding {
    undone(page, "requests").unwrap_or_else(|| {
        let made: Vec<String> =
            page.requests.iter().map(|request| format!("{} {}", request.method, request.url)).collect();
        requests::judge_made(wanted, &made, scope)
    })
}

/// Fails whatever is expected of a page on which not everything could be done.
pub(super) fn undone(page: &PageResult, label: &str) -> Option<Finding> {
    let problem = page.problem.as_ref()?;
    let mut finding = Finding::new(false, label, "everything could be done".to_owned(), actual(page));
    finding.message = Message::Said(problem.clone());
    Some(finding)
}

fn actual(page: &PageResult) -> String {
    page.problem.clone().unwrap_or_else(|| "everything could be done".to_owned())
}

fn judge_rows(
    wanted: &[(String, Matcher)],
    page: &PageResult,
    scope: Scope<'_>,
    is_expected: bool,
) -> Finding {
    let label = "row";
    let mut filled = Vec::new();
    for (name, matcher) in wanted {
        match matcher::fill(matcher, scope) {
            Ok(matcher) => filled.push((name.clone(), matcher)),
            Err(error) => return value::missing_variable(label.to_owned(), matcher, &error),
        }
    }
    let described: Vec<String> =
        filled.iter().map(|(name, matcher)| format!("{name} {}", matcher::describe(matcher))).collect();
    let expected = format!("{}a row with {}", if is_expected { "" } else { "not " }, described.join(", "));
    let rows = rows(page);
    let closest = Closest::of(&rows, &filled, page);
    let is_there = closest.as_ref().is_some_and(|closest| closest.wrong.is_empty());
    let actual = match &closest {
        Some(closest) => format!("`{}`", closest.text),
        None => format!("{} rows", rows.len()),
    };
    let mut finding = Finding::new(is_there == is_expected, label, expected.clone(), actual);
    if !is_there {
        finding.message = Message::Said(match closest {
            None => format!("{expected}: the page {} has no rows", page.path),
            Some(closest) => {
                format!("no row matches; the closest is `{}`: {}", closest.text, closest.wrong.join("; "))
            }
        });
    }
    finding
}

#[cfg(test)]
mod tests;
