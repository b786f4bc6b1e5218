//! Compares responses with accepted snapshots, in the file format of `cargo insta review`.
//!
//! insta only reads the files. Its assertions are not used: they compare whole texts, panic, print, and depend on
//! the environment. Here the accepted fields must be present, and additional fields are noted.

mod compare;
mod file;
mod redact;

use serde_json::Value;

use crate::scenario::template::{Binding, Variables};

use super::context::CheckContext;
use super::finding::{Finding, Judgement, View};
use super::wording;

pub use super::context::{SnapshotMode, SnapshotSettings};

use compare::Content;
use redact::Redaction;

/// Compares a response with the named snapshot.
pub(super) fn judge(name: &str, view: View<'_>, context: &CheckContext<'_>) -> Finding {
    let label = format!("snapshot `{name}`");
    let snapshots = &context.snapshots;
    let path = snapshots.folder.join(format!("{name}.snap"));
    let redaction = redaction(context);
    let actual = content(view, &redaction);
    // A snapshot edited by hand or accepted by an earlier version may contain text that is redacted now.
    let accepted = match file::read(&path) {
        Ok(accepted) => accepted.map(|text| redaction.text(&text)),
        Err(error) => return Finding::unknown(label, error.to_string()),
    };
    let difference = match &accepted {
        None => None,
        Some(text) => {
            let comparison = compare::compare(text, &actual, !snapshots.run_prefix.is_empty());
            if comparison.differences.is_empty() {
                file::remove_new(&path, snapshots.mode);
                let mut finding =
                    Finding::new(true, label, "the accepted snapshot".to_owned(), "the same".to_owned());
                finding.notes = comparison
                    .undocumented
                    .iter()
                    .map(|field| format!("undocumented field {field}"))
                    .collect();
                return finding;
            }
            Some((text, comparison))
        }
    };
    if snapshots.mode == SnapshotMode::Accept {
        return match file::accept(&path, name, &actual.to_string()) {
            Ok(()) => Finding::new(true, label, "a new snapshot".to_owned(), "accepted".to_owned()),
            Err(error) => Finding::unknown(label, error.to_string()),
        };
    }
    let unwritten = match snapshots.mode {
        SnapshotMode::New => file::write_new(&path, name, &actual.to_string()).err(),
        SnapshotMode::Compare | SnapshotMode::Accept => None,
    };
    let unwritten = unwritten.map(|error| format!("; {error}")).unwrap_or_default();
    let (expected, shown, message) = match difference {
        None => (
            format!("the snapshot {}", path.display()),
            actual.to_string(),
            format!("{label} does not exist{unwritten}"),
        ),
        Some((text, comparison)) => (
            text.clone(),
            wording::diff(&format!("{text}\n"), &format!("{actual}\n")),
            format!("{label}: {}{unwritten}", wording::inline(&comparison.differences.join("; "))),
        ),
    };
    Finding { judgement: Judgement::Unmet, label, expected, actual: shown, message, notes: Vec::new() }
}

fn redaction(context: &CheckContext<'_>) -> Redaction {
    let text = |name: &str| match Variables::get(context.variables, name) {
        Some(Binding::Value(Value::String(text))) => text,
        _ => String::new(),
    };
    Redaction::new(&[
        (context.snapshots.run_prefix, ""),
        (&text("base_url"), "[base-url]"),
        (&text("org"), "[org]"),
        (&text("other_org"), "[other-org]"),
    ])
}

fn content(view: View<'_>, redaction: &Redaction) -> Content {
    match view {
        View::Http(exchange) => Content::Http {
            status: exchange.status,
            json: exchange.json().map(|json| redaction.value(json)),
            text: redaction.text(&exchange.body),
        },
        View::Process(process) => Content::Text(redaction.text(&process.stdout)),
        View::Wire(result) => Content::Text(redaction.text(&result.json.to_string())),
    }
}

#[cfg(test)]
mod tests;
