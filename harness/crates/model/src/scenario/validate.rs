//! Checks that the parts of one file are consistent with each other.

use std::collections::{BTreeMap, BTreeSet};

use super::decode::{DraftStep, VariableUse};
use super::model::{Action, Machine, Span, Subject};
use super::template;
use crate::source::document::Diagnostics;
use crate::source::spelling;

/// Checks that machines are declared and used, and observed where a check judges their requests.
pub(super) fn machines(
    machines: &[Machine],
    steps: &[DraftStep],
    cleanup: &[DraftStep],
    report: &mut Diagnostics,
) {
    let names: Vec<&str> = machines.iter().map(|machine| machine.name.as_str()).collect();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for draft in steps.iter().chain(cleanup) {
        let Some(name) = draft.step.action.machine() else { continue };
        used.insert(name);
        let machine = machines.iter().find(|machine| machine.name == name);
        let Some(machine) = machine else {
            let help = match names.is_empty() {
                true => format!("declare it: `machines = [\"{name}\"]`"),
                false => spelling::help_for(name, &names),
            };
            let message = format!("unknown machine `{name}`");
            let span = draft.on.clone().unwrap_or_else(|| draft.step.span.clone());
            report.error_with_help(span, message, help);
            continue;
        };
        let is_wire = matches!(draft.step.action, Action::Wire(_));
        if is_wire != machine.wire {
            let span = draft.on.clone().unwrap_or_else(|| draft.step.span.clone());
            let (message, help) = match is_wire {
                true => (
                    format!("`wire` needs a WireGuard peer, but `{name}` is an agent"),
                    "declare a peer and use it here: `{ name = \"Probe\", wire = true }`".to_owned(),
                ),
                false => (
                    format!("`{name}` is a WireGuard peer, which has no agent and no shell"),
                    "use the verb `wire`".to_owned(),
                ),
            };
            report.error_with_help(span, message, help);
        }
        if matches!(&draft.step.action, Action::Ztna(command) if command.offline) && !machine.observed {
            let message = format!("`offline` needs an observed machine, but `{name}` is not observed");
            let help = format!("declare it: `{{ name = \"{name}\", observed = true }}`");
            report.error_with_help(draft.step.span.clone(), message, help);
        }
        let expectations = draft.step.checks.iter().flat_map(|check| check.alternatives.iter().flatten());
        for expectation in expectations {
            if matches!(expectation.subject, Subject::Requests(_)) && !machine.observed {
                let message =
                    format!("`requests` needs an observed machine, but `{}` is not observed", machine.name);
                let help = format!("declare it: `{{ name = \"{}\", observed = true }}`", machine.name);
                report.error_with_help(expectation.span.clone(), message, help);
            }
        }
    }
    if report.has_errors() {
        return; // an unreadable step may use it
    }
    for machine in machines.iter().filter(|machine| !machine.up && !used.contains(machine.name.as_str())) {
        let message = format!("unused machine `{}`", machine.name);
        report.warning(machine.span.clone(), message, "remove it, or refer to it from a step (`on`)");
    }
}

/// Checks that every variable has a value where it is used.
pub(super) fn variables(steps: &[DraftStep], cleanup: &[DraftStep], report: &mut Diagnostics) {
    let mut later: BTreeMap<&str, &str> = BTreeMap::new();
    for draft in steps.iter().rev() {
        for name in assigned_by(draft) {
            later.insert(name, &draft.step.name.text);
        }
    }
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for draft in steps {
        check_step(draft, &known, &later, report);
        known.extend(assigned_by(draft));
    }
    for draft in cleanup {
        check_step(draft, &known, &later, report);
        known.extend(assigned_by(draft));
    }
}

/// Checks that at least one step has a check, that cleanup steps have none, and that snapshot names are unique.
pub(super) fn checks(steps: &[DraftStep], cleanup: &[DraftStep], is_skipped: bool, report: &mut Diagnostics) {
    for draft in cleanup.iter().filter(|draft| !draft.step.checks.is_empty()) {
        let message = "`check` is not allowed in a cleanup step";
        report.error_with_help(draft.step.span.clone(), message, "move the check to a [[step]]");
    }
    if !is_skipped
        && !steps.is_empty()
        && !report.has_errors()
        && steps.iter().all(|draft| draft.step.checks.is_empty())
    {
        report.error(0..0, "no step has a `check`, so the sub-test can never fail");
    }
    let mut names: BTreeMap<&str, &Span> = BTreeMap::new();
    for draft in steps {
        if draft.step.eventually.is_some() && draft.step.checks.is_empty() {
            let message = "`eventually` needs a `check` to wait for";
            report.error(draft.step.span.clone(), message);
        }
        for expectation in draft.step.checks.iter().flat_map(|check| check.alternatives.iter().flatten()) {
            let Subject::Snapshot(name) = &expectation.subject else { continue };
            // An expectation next to `any` is part of every alternative, always with the same span.
            if names.insert(name, &expectation.span).is_some_and(|first| *first != expectation.span) {
                let message = format!("duplicate snapshot name `{name}`");
                report.error_with_help(expectation.span.clone(), message, "choose another name");
            }
        }
    }
}

/// Returns the variables that a step assigns.
fn assigned_by(draft: &DraftStep) -> impl Iterator<Item = &str> {
    let set = match &draft.step.action {
        Action::Set(values) => values.as_slice(),
        _ => &[],
    };
    draft.step.keep.iter().map(|keep| keep.name.as_str()).chain(set.iter().map(|(name, _)| name.as_str()))
}

fn check_step(
    draft: &DraftStep,
    before: &BTreeSet<&str>,
    later: &BTreeMap<&str, &str>,
    report: &mut Diagnostics,
) {
    let mut known = before.clone();
    check_uses(&draft.rows, &known, later, report);
    known.extend(draft.step.rows.iter().flatten().map(|(name, _)| name.as_str()));
    check_uses(&draft.when, &known, later, report);
    if draft.step.race.is_some() {
        known.insert("n");
    }
    check_uses(&draft.action, &known, later, report);
    known.extend(draft.step.keep.iter().map(|keep| keep.name.as_str()));
    for used in draft.when.iter().chain(&draft.checks) {
        if matches!(used.name.as_str(), "uuid" | "public_key" | "secret_hex") {
            let message =
                format!("`${{{}}}` is generated anew at each use, so no response can match it", used.name);
            report.error_with_help(
                used.span.clone(),
                message,
                "assign it to a variable in a `set` step first",
            );
        }
    }
    check_uses(&draft.checks, &known, later, report);
}

fn check_uses(
    uses: &[VariableUse],
    known: &BTreeSet<&str>,
    later: &BTreeMap<&str, &str>,
    report: &mut Diagnostics,
) {
    let mut reported: BTreeSet<(&str, usize)> = BTreeSet::new();
    for used in uses {
        let name = used.name.as_str();
        if known.contains(name)
            || template::BUILT_IN.contains(&name)
            || !reported.insert((name, used.span.start))
        {
            continue;
        }
        if let Some(length) = template::long_len(name) {
            if let Err(error) = length {
                report.error_with_help(
                    used.span.clone(),
                    error.to_string(),
                    "write a number, such as `${long:10000}`",
                );
            }
            continue;
        }
        let (message, help) = if let Some(step) = later.get(name) {
            let message = format!("`${{{name}}}` is used before it is assigned");
            (message, format!("it is assigned by the later step \"{step}\""))
        } else if name == "n" {
            ("`${n}` is only available in a race".to_owned(), "add `race = N` to the step".to_owned())
        } else {
            let names: Vec<&str> = known.iter().copied().chain(template::BUILT_IN).collect();
            let help = match spelling::nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `${{{near}}}`?"),
                None => format!("assign it in an earlier step; available: {}", names.join(", ")),
            };
            (format!("unknown variable `${{{name}}}`"), help)
        };
        report.error_with_help(used.span.clone(), message, help);
    }
}
