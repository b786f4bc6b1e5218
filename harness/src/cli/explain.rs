//! `harness explain ID`: explains a statement, sub-test, chapter, suite or deviation.

use std::path::Path;

use clap::Args;

use harness_report::diagnosis::catalogue::Catalogue;
use harness_report::exit_code::ExitCode;

use harness_model::library::Library;
use harness_model::requirement::{Chapter, Requirement, Via};
use harness_model::scenario::model::{Action, Initiator, Passage, Scenario, Step, WireAction, identity_name};
use harness_model::text::{counted, truncated};
use harness_report::terminal::Paint;

use super::console::Console;
use super::error::CliError;
use super::{library, names, reference};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The id of a statement (used-count/ST4.2), sub-test (used-count/ST4), chapter (used-count), suite (auth-keys) or
    /// deviation (count-frozen)
    #[arg(value_name = "ID")]
    id: String,
}

pub(super) fn explain(
    arguments: &Arguments,
    scenarios: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, CliError> {
    let library = library::open(scenarios)?.library;
    let paint = Paint::new(console.terminal_options().color);
    let Some(text) = explanation(&arguments.id, &library, paint) else {
        return match names::named(&arguments.id, &library).as_slice() {
            [] => Err(names::unknown_id(&arguments.id, &library)),
            [(only, _)] => {
                console.print(&explanation(only, &library, paint).unwrap_or_default());
                Ok(ExitCode::Conformant)
            }
            several => Err(ambiguous(&arguments.id, several, console.width())),
        };
    };
    console.print(&text);
    Ok(ExitCode::Conformant)
}

fn explanation(id: &str, library: &Library, paint: Paint) -> Option<String> {
    let registry = &library.registry;
    if let Some(requirement) = registry.get(id) {
        return Some(of_statement(requirement, library, paint));
    }
    if let Some(scenario) = library.scenarios.iter().find(|scenario| scenario.id == id) {
        return Some(of_subtest(scenario, library, paint));
    }
    if let Some(chapter) = registry.chapter(id) {
        return Some(of_chapter(chapter, library, paint));
    }
    if let Some(text) = reference::explained(id, paint) {
        return Some(text);
    }
    let chapters: Vec<&Chapter> =
        registry.chapters().iter().filter(|chapter| chapter.suite.as_deref() == Some(id)).collect();
    (!chapters.is_empty()).then(|| {
        chapters.into_iter().map(|chapter| of_chapter(chapter, library, paint)).collect::<Vec<_>>().join("\n")
    })
}

fn of_statement(requirement: &Requirement, library: &Library, paint: Paint) -> String {
    let chapter = library.registry.chapter(requirement.chapter());
    let via: Vec<String> = requirement.via.iter().map(|via| via_name(*via)).collect();
    let mut text = format!(
        "{} {}\n{}\n\n",
        paint.bold(&requirement.id),
        paint.faint(&format!("({}, observed through {})", level_name(requirement), via.join(", "))),
        requirement.text
    );
    if !requirement.accepts.is_empty() {
        text.push_str(&format!("accepted: {}\n", requirement.accepts.join(" | ")));
    }
    if let Some((title, document)) =
        chapter.and_then(|chapter| Some((&chapter.title, chapter.document.as_ref()?)))
    {
        text.push_str(&format!("document: {title}, {document}\n"));
    }
    let places = judged_at(&requirement.id, library);
    if places.is_empty() {
        text.push_str("verified by: no check\n");
    } else {
        text.push_str("verified by:\n");
        for place in places {
            text.push_str(&format!("  {place}\n"));
        }
    }
    text.push_str(&proof_of(&requirement.id));
    text
}

/// Returns the locations of the checks that verify the statement.
fn judged_at(id: &str, library: &Library) -> Vec<String> {
    let mut places = Vec::new();
    for scenario in &library.scenarios {
        let path = scenario.source.path.display();
        for step in &scenario.steps {
            for check in step.checks.iter().filter(|check| check.verifies.iter().any(|named| named == id)) {
                let line = scenario.source.line(&check.span);
                places.push(format!("{path}:{line}  {}: {}", scenario.id, step.name.text));
            }
        }
        if let Some(skip) = &scenario.skip
            && skip.statements.iter().any(|named| named == id)
        {
            places.push(format!("{path}  {}, skipped: {}", scenario.id, skip.reason));
        }
    }
    places
}

fn of_subtest(scenario: &Scenario, library: &Library, paint: Paint) -> String {
    let mut text = format!(
        "{}\n{}\n\nfile: {}\n",
        paint.bold(&scenario.id),
        scenario.title,
        scenario.source.path.display()
    );
    if !scenario.machines.is_empty() {
        let machines: Vec<&str> = scenario.machines.iter().map(|machine| machine.name.as_str()).collect();
        text.push_str(&format!("machines: {}\n", machines.join(", ")));
    }
    if !scenario.needs.is_empty() {
        let needs: Vec<&str> = scenario.needs.iter().map(|need| need.name()).collect();
        text.push_str(&format!("needs: {}\n", needs.join(", ")));
    }
    if let Some(waits) = scenario.waits {
        let waits = humantime::format_duration(waits);
        text.push_str(&format!("waits: {waits}, unless the target has a clock that can be advanced\n"));
    }
    if let Some(skip) = &scenario.skip {
        text.push_str(&format!("skipped: {}\n", skip.reason));
    }
    if !scenario.steps.is_empty() {
        text.push_str("\nsteps:\n");
    }
    for (position, step) in scenario.steps.iter().enumerate() {
        let more = if step.rows.is_empty() { String::new() } else { format!(", {} times", step.rows.len()) };
        text.push_str(&format!(
            "  {}. {} {}\n",
            position + 1,
            step.name.text,
            paint.faint(&format!("({}{more})", verb(step)))
        ));
    }
    let mut ids: Vec<&str> = Vec::new();
    let announced = scenario.skip.iter().flat_map(|skip| &skip.statements);
    for id in
        scenario.steps.iter().flat_map(|step| &step.checks).flat_map(|check| &check.verifies).chain(announced)
    {
        if !ids.contains(&id.as_str()) {
            ids.push(id);
        }
    }
    text.push_str("\nstatements:\n");
    for id in ids {
        let statement = library.registry.get(id).map_or("", |requirement| requirement.text.as_str());
        text.push_str(&format!("  {id}: {statement}\n"));
    }
    text
}

fn of_chapter(chapter: &Chapter, library: &Library, paint: Paint) -> String {
    let mut text = format!(
        "{}: {}\nsuite: {}\ndocument: {}\n\nsub-tests:\n",
        paint.bold(&chapter.id),
        chapter.title,
        chapter.suite.as_deref().unwrap_or("any"),
        chapter.document.as_deref().unwrap_or("none")
    );
    for scenario in library.scenarios.iter().filter(|scenario| scenario.chapter == chapter.id) {
        text.push_str(&format!("  {}  {}\n", scenario.id, scenario.title));
    }
    text.push_str("\nstatements:\n");
    for requirement in library.registry.of_chapter(&chapter.id) {
        text.push_str(&format!("  {}: {}\n", requirement.id, requirement.text));
    }
    text
}

fn verb(step: &Step) -> String {
    let words = match &step.action {
        Action::Http(request) => format!("{} {}", request.method, request.path.text),
        Action::Ztna(command) => {
            let words: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).collect();
            format!("ztna {} on {}", words.join(" "), command.machine)
        }
        Action::Shell(line) => format!("`{}` in the shell of {}", line.line.text, line.machine),
        Action::Wire(command) => match &command.action {
            WireAction::Join { .. } => format!("{} joins as the kit's own WireGuard peer", command.machine),
            WireAction::Meet(meeting) => match meeting.initiator {
                Initiator::Peer => {
                    format!("{} handshakes with {} and pings it", command.machine, meeting.with.text)
                }
                Initiator::Agent => {
                    format!(
                        "{} waits for a handshake from {} and pings it",
                        command.machine, meeting.with.text
                    )
                }
            },
        },
        Action::Browse(browse) => {
            let who = browse.identity.map_or("the same user", identity_name);
            format!("{who} in the dashboard, {}", counted(browse.acts.len(), "act"))
        }
        Action::Login(login) => {
            format!("{} logs in on {}", identity_name(login.identity), login.machine)
        }
        Action::Interrupt(interruption) => format!("Ctrl+C on {}", interruption.machine),
        Action::Advance(advance) => format!("the clock advances by {}", passage(advance)),
        Action::Wait(wait) => format!("the clock advances by {}, or the kit waits so long", passage(wait)),
        Action::Set(values) => {
            let names: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
            format!("sets {}", names.join(", "))
        }
    };
    match step.race {
        Some(contestants) => format!("{words}, {contestants} concurrently"),
        None => words,
    }
}

fn passage(passage: &Passage) -> String {
    let duration = humantime::format_duration(passage.duration);
    match passage.keeping.is_empty() {
        true => duration.to_string(),
        false => format!("{duration} while machines stay online"),
    }
}

fn level_name(requirement: &Requirement) -> String {
    serialised(&requirement.level)
}

fn via_name(via: Via) -> String {
    serialised(&via)
}

fn serialised(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

fn ambiguous(id: &str, candidates: &[(&str, &str)], width: usize) -> CliError {
    let widest = candidates.iter().map(|(id, _)| id.chars().count()).max().unwrap_or_default();
    let line = |(id, text): &(&str, &str)| {
        format!("  {id:widest$}  {}", truncated(text, width.saturating_sub(widest + 4).max(20)))
    };
    let candidates: Vec<String> = candidates.iter().map(line).collect();
    CliError::AmbiguousId { id: id.to_owned(), candidates: candidates.join("\n") }
}

/// What `explain` says of a statement's proof.
fn proof_of(statement: &str) -> String {
    let Ok(catalogue) = Catalogue::built_in() else { return String::new() };
    let proving = catalogue.proving(statement);
    if let Some(reason) = catalogue.unproven(statement) {
        return format!("not proven by a deviation: {reason}\n");
    }
    if proving.is_empty() {
        return String::new();
    }
    let lines = proving.iter().map(|declared| format!("  {}: {}\n", declared.id, declared.summary));
    format!("proven by the deviations:\n{}", lines.collect::<String>())
}
