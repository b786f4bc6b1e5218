//! Answers compared with what was accepted before, in files that `cargo insta review` knows.
//!
//! Files are read through insta and compared here: what is accepted must come again, what comes beside it is
//! noted. insta's own assertions compare whole texts, panic and print, and are set up by the environment.

mod compare;
mod file;
mod redact;

use serde_json::Value;

use crate::scenario::template::{Binding, Variables};

use super::context::Context;
use super::finding::{Finding, Held, View};
use super::wording;

pub use super::context::{Mode, Snapshots};

use compare::Content;
use redact::Redaction;

/// Judges an answer by the snapshot of that name.
pub(super) fn judge(name: &str, view: View<'_>, context: &Context<'_>) -> Finding {
    let place = format!("snapshot `{name}`");
    let snapshots = &context.snapshots;
    let path = snapshots.folder.join(format!("{name}.snap"));
    let redaction = redaction(context);
    let came = content(view, &redaction);
    // Accepted by hand, or before a form was known, it may hold what is redacted now.
    let accepted = match file::read(&path) {
        Ok(accepted) => accepted.map(|text| redaction.text(&text)),
        Err(message) => return Finding::unknown(place, message),
    };
    let difference = match &accepted {
        None => None,
        Some(text) => {
            let comparison = compare::compare(text, &came, !snapshots.run_prefix.is_empty());
            if comparison.differences.is_empty() {
                file::drop_new(&path, snapshots.mode);
                let mut finding =
                    Finding::new(true, place, "as accepted".to_owned(), "as accepted".to_owned());
                finding.notes =
                    comparison.surplus.iter().map(|at| format!("{at} is not documented")).collect();
                return finding;
            }
            Some((text, comparison))
        }
    };
    if snapshots.mode == Mode::Accept {
        return match file::accept(&path, name, &came.to_string()) {
            Ok(()) => Finding::new(true, place, "accepted now".to_owned(), "accepted now".to_owned()),
            Err(message) => Finding::unknown(place, message),
        };
    }
    let review = match snapshots.mode {
        Mode::New => match file::write_new(&path, name, &came.to_string()) {
            Ok(()) => "run with --accept, or review it with `cargo insta review`".to_owned(),
            Err(message) => message,
        },
        _ => "run with --accept".to_owned(),
    };
    let (expected, actual, message) = match difference {
        None => (
            format!("the snapshot {}", path.display()),
            came.to_string(),
            format!("{place} does not exist yet; {review}"),
        ),
        Some((text, comparison)) => (
            text.clone(),
            wording::diff(&format!("{text}\n"), &format!("{came}\n")),
            format!(
                "{place}: {}; if that is right, {review}",
                wording::short(&comparison.differences.join("; "))
            ),
        ),
    };
    Finding { held: Held::No, place, expected, actual, message, notes: Vec::new() }
}

fn redaction(context: &Context<'_>) -> Redaction {
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
            json: exchange.json.as_ref().map(|json| redaction.value(json)),
            text: redaction.text(&exchange.body),
        },
        View::Process(process) => Content::Text(redaction.text(&process.stdout)),
        View::Wire(result) => Content::Text(redaction.text(&result.json.to_string())),
    }
}

#[cfg(test)]
mod tests;
