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
use super::difference;
use super::finding::{Finding, Judgement, Message, View};

pub use super::context::{SnapshotMode, SnapshotSettings};

pub(crate) use file::problem;

use compare::Content;
use redact::Redaction;

/// Compares a response with the named snapshot.
pub(super) fn judge(name: &str, view: View<'_>, context: &CheckContext<'_>) -> Finding {
    let label = format!("snapshot `{name}`");
    let snapshots = &context.snapshots;
    let path = snapshots.folder.join(format!("{name}.snap"));
    let redaction = redaction(context);
    let wire: String;
    let actual = match view {
        View::Http(exchange) => {
            Content::Http { status: exchange.status, json: exchange.json(), text: &exchange.body }
        }
        View::Process(process) => Content::Text(&process.stdout),
        View::Page(result) => {
            wire = super::page::text(result);
            Content::Text(&wire)
        }
        View::Wire(result) => {
            wire = result.json.to_string();
            Content::Text(&wire)
        }
    };
    // A snapshot edited by hand or accepted by an earlier version may contain text that is redacted now.
    let accepted = match file::read(&path) {
        Ok(accepted) => accepted.map(|text| redaction.text(&text)),
        Err(error) => return Finding::unknown(label, error.to_string()),
    };
    // A text is redacted once, for the comparison, the message and the file.
    let redacted: String;
    let actual = match actual {
        Content::Http { json: Some(_), .. } => actual,
        _ => {
            redacted = actual.redacted(&redaction);
            Content::Redacted(&redacted)
        }
    };
    let difference = match &accepted {
        None => None,
        Some(text) => {
            let comparison = compare::compare(text, &actual, !snapshots.run_prefix.is_empty(), &redaction);
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
        return match file::accept(&path, name, &actual.redacted(&redaction)) {
            Ok(()) => Finding::new(true, label, "a new snapshot".to_owned(), "accepted".to_owned()),
            Err(error) => Finding::unknown(label, error.to_string()),
        };
    }
    let unwritten = match snapshots.mode {
        SnapshotMode::New => file::write_new(&path, name, &actual.redacted(&redaction)).err(),
        SnapshotMode::Compare | SnapshotMode::Accept => None,
    };
    let unwritten = unwritten.map(|error| format!("; {error}")).unwrap_or_default();
    let (expected, shown, message) = match difference {
        None => (
            format!("the snapshot {}", path.display()),
            actual.outline(&redaction),
            Message::Said(format!("{label} does not exist{unwritten}")),
        ),
        Some((text, comparison)) => (
            text.clone(),
            difference::unified(text, &actual.outline(&redaction)),
            Message::Quoting(
                format!("{label}: "),
                format!("{}{unwritten}", comparison.differences.join("; ")),
            ),
        ),
    };
    Finding { judgement: Judgement::Unmet, label, expected, actual: shown, message, notes: Vec::new() }
}

fn redaction<'a>(context: &CheckContext<'a>) -> Redaction<'a> {
    let text = |name: &str| match Variables::get(context.variables, name) {
        Some(Binding::Value(Value::String(text))) => text,
        _ => String::new(),
    };
    let literals = [
        (context.snapshots.run_prefix, ""),
        (&text("base_url"), "[base-url]"),
        (&text("org"), "[org]"),
        (&text("other_org"), "[other-org]"),
    ];
    Redaction::new(&literals, context.secrets)
}

#[cfg(test)]
mod tests;
