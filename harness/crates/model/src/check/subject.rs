//! Judges one expectation against one response.

use std::borrow::Cow;

use serde_json::Value;

use crate::scenario::model::{ExitCode, Matcher, RefusalPart, Stream, Subject};
use crate::scenario::template::Scope;
use crate::text::plain::plain;

use super::context::CheckContext;
use super::evidence::{Exchange, ProcessResult};
use super::finding::{Finding, Message, View};
use super::value::value;
use super::{matcher, page, pointer, requests, snapshot, streams, wire, wording};
use crate::number;

pub(super) fn judge(subject: &Subject, view: View<'_>, context: &CheckContext<'_>) -> Finding {
    let scope = Scope { variables: context.variables, generators: None };
    match (subject, view) {
        (Subject::Status(wanted), View::Http(exchange)) => Finding::new(
            wanted.contains(&exchange.status),
            "status",
            wording::any_of(wanted),
            exchange.status.to_string(),
        ),
        (Subject::Json(at, wanted), view) => json(at, wanted, view, scope),
        (Subject::Refusal(part, wanted), view) => {
            let place = match part {
                RefusalPart::Code => context.refusal.code(),
                RefusalPart::Message => context.refusal.message(),
            };
            json(place, wanted, view, scope)
        }
        (Subject::Header(name, wanted), View::Http(exchange)) => header(name, wanted, exchange, scope),
        (Subject::Body(wanted), View::Http(exchange)) => text("body", wanted, &body(exchange), scope),
        (Subject::Exit(wanted), View::Process(process)) => exit(wanted, process),
        (Subject::Text(stream, wanted), View::Process(process)) => output(*stream, wanted, process, scope),
        (Subject::Running(wanted), View::Process(process)) => running(*wanted, process),
        (Subject::Ended(wanted), View::Process(process)) => ended(*wanted, process),
        (Subject::Requests(wanted), View::Process(process)) => requests::judge(wanted, process, scope),
        (Subject::Handshake(wanted), View::Wire(result)) => wire::handshake(*wanted, result),
        (Subject::Pong(wanted), View::Wire(result)) => wire::pong(*wanted, result),
        (Subject::Requests(wanted), View::Page(result)) => page::requests(wanted, result, scope),
        (Subject::Page(wanted), View::Page(result)) => page::text_matches(wanted, result, scope),
        (Subject::Row(wanted), View::Page(result)) => page::row(wanted, result, scope),
        (Subject::NoRow(wanted), View::Page(result)) => page::no_row(wanted, result, scope),
        (Subject::Done(wanted), View::Page(result)) => page::done(*wanted, result),
        (Subject::Snapshot(name), view) => snapshot::judge(name, view, context),
        (_, View::Http(_)) => {
            Finding::unknown("check", "this expectation is only available for commands".to_owned())
        }
        (_, View::Process(_)) => {
            Finding::unknown("check", "this expectation is only available for HTTP requests".to_owned())
        }
        (_, View::Page(_)) => {
            Finding::unknown("check", "this expectation is not available for `browse`".to_owned())
        }
        (_, View::Wire(_)) => {
            Finding::unknown("check", "this expectation is not available for `wire`".to_owned())
        }
    }
}

fn json(pointer: &str, wanted: &Matcher, view: View<'_>, scope: Scope<'_>) -> Finding {
    let label = if pointer.is_empty() { "JSON".to_owned() } else { format!("`{pointer}`") };
    let parsed: Option<Value>;
    let (whole, text, what) = match view {
        View::Http(exchange) => (exchange.json(), &exchange.body, "response"),
        View::Process(process) => {
            parsed = number::parse(&process.stdout).ok();
            (parsed.as_ref(), &process.stdout, "standard output")
        }
        View::Wire(result) => (Some(&result.json), &result.command, "observations"),
        View::Page(result) => {
            if let Some(finding) = page::undone(result, &label) {
                return finding;
            }
            parsed = Some(page::json(result));
            (parsed.as_ref(), &result.command, "page")
        }
    };
    let Some(whole) = whole else {
        let expected = matcher::fill(wanted, scope)
            .map_or_else(|_| matcher::describe(wanted), |m| matcher::describe(&m));
        let mut finding = Finding::new(false, label, expected, wording::text(text));
        finding.message = Message::Quoting(format!("{what} is not JSON: "), wording::text(text));
        return finding;
    };
    let found = pointer::resolve(whole, pointer);
    let mut absence = found.map_or_else(|| pointer::explain_absence(whole, pointer), |_| String::new());
    let View::Http(exchange) = view else { return value(label, wanted, found, &absence, scope) };
    absence.push_str(&refusal(exchange));
    let mut finding = value(label, wanted, found, &absence, scope);
    finding.notes = exchange.repeated_members().to_vec();
    finding
}

/// Returns the body, followed by what it says if characters of its JSON are escaped: `\/` and `\u002f` are slashes.
fn body(exchange: &Exchange) -> Cow<'_, str> {
    let said = exchange.body.contains('\\').then(|| exchange.json()).flatten().map(number::json_text);
    match said {
        Some(said) if said != exchange.body => Cow::Owned(format!("{}\n{said}", exchange.body)),
        _ => Cow::Borrowed(&exchange.body),
    }
}

/// Returns the status and the code of a refusal, which is why there is no value.
fn refusal(exchange: &Exchange) -> String {
    if exchange.status < 400 {
        return String::new();
    }
    let code = exchange.refusal_code().map(|code| format!(" {code}")).unwrap_or_default();
    format!("; the response was {}{code}", exchange.status)
}

fn header(name: &str, wanted: &Matcher, exchange: &Exchange, scope: Scope<'_>) -> Finding {
    let values: Vec<&str> = exchange
        .headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value.as_str())
        .collect();
    let joined = (!values.is_empty()).then(|| values.join(", "));
    // A header is text; it is parsed for matchers that expect a number.
    let expects_number = matches!(wanted, Matcher::Above(_) | Matcher::Below(_) | Matcher::Type(_));
    let found = joined.map(|text| match number::parse(text.trim()) {
        Ok(parsed) if expects_number && number::is_number(&parsed) => parsed,
        _ => Value::String(text),
    });
    value(format!("header `{name}`"), wanted, found.as_ref(), "no value", scope)
}

fn output(stream: Stream, wanted: &Matcher, process: &ProcessResult, scope: Scope<'_>) -> Finding {
    match stream {
        Stream::Stdout => text("standard output", wanted, &plain(&process.stdout), scope),
        Stream::Stderr => text("standard error", wanted, &plain(&process.stderr), scope),
        Stream::Output => {
            let filled = matcher::fill(wanted, scope);
            let (stdout, stderr) = (plain(&process.stdout), plain(&process.stderr));
            let both = streams::merged(&stdout, &stderr, filled.as_ref().unwrap_or(wanted));
            text("output", wanted, &both, scope)
        }
    }
}

fn text(label: &str, wanted: &Matcher, found: &str, scope: Scope<'_>) -> Finding {
    value(label.to_owned(), wanted, Some(&Value::String(found.to_owned())), "no value", scope)
}

fn exit(wanted: &ExitCode, process: &ProcessResult) -> Finding {
    let (is_met, expected) = match wanted {
        ExitCode::OneOf(codes) => {
            (process.exit.is_some_and(|code| codes.contains(&code)), wording::any_of(codes))
        }
        ExitCode::Failure => (process.exit.is_some_and(|code| code != 0), "a non-zero code".to_owned()),
    };
    let actual = match process.exit {
        Some(code) => code.to_string(),
        None if process.running => "none (still running)".to_owned(),
        None if process.ended_by_kit.is_some() => format!("none ({})", ended_by_kit(process)),
        None => "none (terminated by a signal)".to_owned(),
    };
    let mut finding = Finding::new(is_met, "exit code", expected, actual);
    if !is_met && !process.stderr.trim().is_empty() {
        finding.message = Message::WithStderr(wording::text(&process.stderr));
    }
    finding
}

/// Judges whether what an earlier step left running has ended. If nothing was running, nothing can have ended.
fn ended(wanted: bool, process: &ProcessResult) -> Finding {
    let state = |has_ended| if has_ended { "ended" } else { "still running" };
    let actual = process.ended.map_or("nothing was running any more", state);
    let is_met = process.ended == Some(wanted);
    Finding::new(is_met, "the process in the background", state(wanted).to_owned(), actual.to_owned())
}

/// Says that the process did not end by itself, and what was awaited.
fn ended_by_kit(process: &ProcessResult) -> String {
    format!("ended by the kit, which {}", process.ended_by_kit.as_deref().unwrap_or_default())
}

fn running(wanted: bool, process: &ProcessResult) -> Finding {
    let state = |running| if running { "running" } else { "exited" };
    let mut actual = state(process.running).to_owned();
    if let (false, Some(code)) = (process.running, process.exit) {
        actual.push_str(&format!(" with code {code}"));
    }
    if process.ended_by_kit.is_some() {
        // It was running, and was ended since it did not do what the step waits for.
        actual = ended_by_kit(process);
    }
    Finding::new(wanted == process.running, "process", state(wanted).to_owned(), actual)
}
