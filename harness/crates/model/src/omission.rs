//! Which steps are not carried out on a target, although their sub-test runs.

use std::collections::BTreeSet;

use crate::plan::PlannedSubtest;
use crate::requirement::Registry;
use crate::scenario::model::{Action, Check, Step, Subject};
use crate::scenario::undocumented;

/// Returns why a step is left out on the planned sub-test's target, or `None` if it is carried out.
///
/// A step that judges only choices of the reference could harm another implementation and says nothing about it. A
/// step that uses an undocumented endpoint or field which the target lacks cannot show anything, and neither can what
/// depends on it: steps that use a value which it would have kept and, if it would have changed something on the
/// target, all later ones.
pub fn omission(step: &Step, planned: &PlannedSubtest, registry: &Registry) -> Option<String> {
    if judges_only_ours(step, registry) && !planned.judges_ours {
        return Some("judges only choices of the reference".to_owned());
    }
    lack(step, planned, registry)
}

/// Returns whether a check judges nothing but choices of the reference.
pub(crate) fn is_ours(check: &Check, registry: &Registry) -> bool {
    check.verifies.iter().all(|id| registry.is_ours(id))
}

fn judges_only_ours(step: &Step, registry: &Registry) -> bool {
    !step.checks.is_empty() && step.checks.iter().all(|check| is_ours(check, registry))
}

/// Returns what the target lacks, if the step depends on it directly or through earlier steps.
fn lack(step: &Step, planned: &PlannedSubtest, registry: &Registry) -> Option<String> {
    if planned.absent.is_empty() {
        return None;
    }
    let mut consequences = Consequences::default();
    for earlier in planned.scenario.steps.iter().take_while(|earlier| earlier.span != step.span) {
        // By itself it leaves no consequences: no other check depends on what only `ours` checks judge.
        if planned.judges_ours || !judges_only_ours(earlier, registry) {
            consequences.add(earlier, planned, registry);
        }
    }
    consequences.lack(step, planned)
}

/// What the steps so far leave missing because the target lacks something.
#[derive(Debug, Default)]
struct Consequences<'a> {
    /// Variables without a value, each with what the target lacks.
    lost: Vec<Lost<'a>>,
    /// What the target lacks for a change that later steps assume.
    unchanged: Option<String>,
}

#[derive(Debug)]
struct Lost<'a> {
    variable: &'a str,
    lack: String,
}

impl<'a> Consequences<'a> {
    fn add(&mut self, step: &'a Step, planned: &PlannedSubtest, registry: &Registry) {
        let lack = self.lack(step, planned);
        let partly = lack.clone().or_else(|| self.lost_in(&step.uses.rows_and_conditions));
        if let Some(lack) = partly
            && changes_something(step, planned, registry)
        {
            self.unchanged.get_or_insert(lack);
        }
        for variable in step.assigned() {
            self.lost.retain(|lost| lost.variable != variable);
            if let Some(lack) = &lack {
                self.lost.push(Lost { variable, lack: lack.clone() });
            }
        }
    }

    fn lack(&self, step: &Step, planned: &PlannedSubtest) -> Option<String> {
        let direct = undocumented::used_by(step).intersection(&planned.absent).next().copied();
        direct
            .map(|absent| format!("the target has no {}", absent.describe()))
            .or_else(|| self.lost_in(&step.uses.action))
            .or_else(|| self.unchanged.clone())
    }

    /// Returns what the target lacks for one of these variables that has no value.
    fn lost_in(&self, variables: &BTreeSet<String>) -> Option<String> {
        let lost = self.lost.iter().find(|lost| variables.contains(lost.variable));
        lost.map(|lost| lost.lack.clone())
    }
}

/// Whether later steps may depend on what the step does. A request that must be refused changes nothing.
fn changes_something(step: &Step, planned: &PlannedSubtest, registry: &Registry) -> bool {
    match &step.action {
        Action::Http(request) => {
            let mut judged =
                step.checks.iter().filter(|check| planned.judges_ours || !is_ours(check, registry));
            request.method != "GET" && !judged.any(must_be_refused)
        }
        Action::Set(_) => false,
        _ => true,
    }
}

fn must_be_refused(check: &Check) -> bool {
    let refuses = |subject: &Subject| match subject {
        Subject::Status(statuses) => statuses.iter().all(|status| *status >= 400),
        _ => false,
    };
    let mut alternatives = check.alternatives.iter();
    alternatives.all(|expectations| expectations.iter().any(|expected| refuses(&expected.subject)))
}

#[cfg(test)]
pub(crate) mod tests;
