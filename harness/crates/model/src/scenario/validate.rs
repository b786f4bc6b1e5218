//! What the parts of one file say about one another.

use std::collections::{BTreeMap, BTreeSet};

use super::decode::{DraftStep, Use};
use super::model::{Action, Machine, Span, Subject};
use super::template;
use crate::source::document::Report;
use crate::source::spelling;

/// Machines are declared, used, and observed where their requests are judged.
pub(super) fn machines(
    machines: &[Machine],
    steps: &[DraftStep],
    cleanup: &[DraftStep],
    report: &mut Report,
) {
    let names: Vec<&str> = machines.iter().map(|machine| machine.name.as_str()).collect();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for draft in steps.iter().chain(cleanup) {
        let on = match &draft.step.action {
            Action::Ztna(command) => &command.machine,
            Action::Shell(line) => &line.machine,
            Action::Wire(command) => &command.machine,
            Action::Http(_) | Action::Advance(_) | Action::Set(_) => continue,
        };
        used.insert(on);
        let machine = machines.iter().find(|machine| machine.name == *on);
        let Some(machine) = machine else {
            let help = match names.is_empty() {
                true => format!("declare it: `machines = [\"{on}\"]`"),
                false => spelling::help_for(on, &names),
            };
            let message = format!("there is no machine `{on}`");
            let span = draft.on.clone().unwrap_or_else(|| draft.step.span.clone());
            report.error_with_help(span, message, help);
            continue;
        };
        let is_wire = matches!(draft.step.action, Action::Wire(_));
        if is_wire != machine.wire {
            let span = draft.on.clone().unwrap_or_else(|| draft.step.span.clone());
            let (message, help) = match is_wire {
                true => (
                    format!("`{on}` is an agent, and `wire` is of the kit's own WireGuard peers"),
                    format!("declare a peer: `{{ name = \"Probe\", wire = true }}`, not `{on}`"),
                ),
                false => (
                    format!("`{on}` is a WireGuard peer of the kit's own, which has no agent and no shell"),
                    "its verb is `wire`".to_owned(),
                ),
            };
            report.error_with_help(span, message, help);
        }
        let expectations = draft.step.checks.iter().flat_map(|check| check.alternatives.iter().flatten());
        for expectation in expectations {
            if matches!(expectation.subject, Subject::Requests(_)) && !machine.observed {
                let message = format!("the requests of `{}` are not recorded", machine.name);
                let help = format!("declare it as `{{ name = \"{}\", observed = true }}`", machine.name);
                report.error_with_help(expectation.span.clone(), message, help);
            }
        }
    }
    if report.has_errors() {
        return; // a step that could not be read may be the one that uses it
    }
    for machine in machines.iter().filter(|machine| !machine.up && !used.contains(machine.name.as_str())) {
        let message = format!("machine `{}` is not used", machine.name);
        report.warning(machine.span.clone(), message, "leave it out, or give a step `on` it");
    }
}

/// Every variable has a value where it is used.
pub(super) fn variables(steps: &[DraftStep], cleanup: &[DraftStep], report: &mut Report) {
    let mut later: BTreeMap<&str, &str> = BTreeMap::new();
    for draft in steps.iter().rev() {
        for name in named_by(draft) {
            later.insert(name, &draft.step.name.text);
        }
    }
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for draft in steps {
        judge_step(draft, &known, &later, report);
        known.extend(named_by(draft));
    }
    for draft in cleanup {
        judge_step(draft, &known, &later, report);
        known.extend(named_by(draft));
    }
}

/// Something is judged, cleanup judges nothing, and a snapshot has one step.
pub(super) fn checks(steps: &[DraftStep], cleanup: &[DraftStep], is_skipped: bool, report: &mut Report) {
    for draft in cleanup.iter().filter(|draft| !draft.step.checks.is_empty()) {
        let message = "a cleanup step takes no `check`";
        report.error_with_help(draft.step.span.clone(), message, "what is to be judged is a [[step]]");
    }
    if !is_skipped
        && !steps.is_empty()
        && !report.has_errors()
        && steps.iter().all(|draft| draft.step.checks.is_empty())
    {
        report.error(0..0, "no step has a `check`, so that the sub-test can never fail");
    }
    let mut names: BTreeMap<&str, &Span> = BTreeMap::new();
    for draft in steps {
        if draft.step.eventually.is_some() && draft.step.checks.is_empty() {
            let message = "`eventually` waits until the checks pass, and there are none";
            report.error(draft.step.span.clone(), message);
        }
        for expectation in draft.step.checks.iter().flat_map(|check| check.alternatives.iter().flatten()) {
            let Subject::Snapshot(name) = &expectation.subject else { continue };
            // An expectation beside `any` is part of every alternative, from one and the same place.
            if names.insert(name, &expectation.span).is_some_and(|first| *first != expectation.span) {
                let message = format!("another check has the snapshot `{name}` already");
                report.error_with_help(expectation.span.clone(), message, "give it a name of its own");
            }
        }
    }
}

/// The variables that a step leaves behind.
fn named_by(draft: &DraftStep) -> impl Iterator<Item = &str> {
    let set = match &draft.step.action {
        Action::Set(values) => values.as_slice(),
        _ => &[],
    };
    draft.step.keep.iter().map(|keep| keep.name.as_str()).chain(set.iter().map(|(name, _)| name.as_str()))
}

fn judge_step(draft: &DraftStep, before: &BTreeSet<&str>, later: &BTreeMap<&str, &str>, report: &mut Report) {
    let mut known = before.clone();
    judge_uses(&draft.rows, &known, later, report);
    known.extend(draft.step.rows.iter().flatten().map(|(name, _)| name.as_str()));
    if draft.step.race.is_some() {
        known.insert("n");
    }
    judge_uses(&draft.action, &known, later, report);
    known.extend(draft.step.keep.iter().map(|keep| keep.name.as_str()));
    for used in &draft.checks {
        if matches!(used.name.as_str(), "uuid" | "public_key" | "secret_hex") {
            let message = format!("`${{{}}}` is new at each use, so nothing can be equal to it", used.name);
            report.error_with_help(used.span.clone(), message, "name it first with a `set` step");
        }
    }
    judge_uses(&draft.checks, &known, later, report);
}

fn judge_uses(uses: &[Use], known: &BTreeSet<&str>, later: &BTreeMap<&str, &str>, report: &mut Report) {
    let mut reported: BTreeSet<(&str, usize)> = BTreeSet::new();
    for used in uses {
        let name = used.name.as_str();
        if known.contains(name)
            || template::BUILT_IN.contains(&name)
            || !reported.insert((name, used.span.start))
        {
            continue;
        }
        if let Some(count) = template::long(name) {
            if let Err(reason) = count {
                report.error_with_help(used.span.clone(), reason, "write `${long:10000}`");
            }
            continue;
        }
        let (message, help) = if let Some(step) = later.get(name) {
            let message = format!("`${{{name}}}` is used before it is kept");
            (message, format!("it is kept by the step \"{step}\", which comes no earlier"))
        } else if name == "n" {
            (
                "`${n}` counts the requests of a race, and this step is none".to_owned(),
                "add `race = N`".to_owned(),
            )
        } else {
            let names: Vec<&str> = known.iter().copied().chain(template::BUILT_IN).collect();
            let help = match spelling::nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `${{{near}}}`?"),
                None => format!("keep it in an earlier step; there are: {}", names.join(", ")),
            };
            (format!("there is no variable `${{{name}}}`"), help)
        };
        report.error_with_help(used.span.clone(), message, help);
    }
}
