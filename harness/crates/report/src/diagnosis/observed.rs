//! The verdicts of a run's checks, in a form that can be compared between runs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use harness_model::check::outcome::CheckVerdict;
use harness_model::event::{Event, Listener, SubtestFinished, SubtestVerdict, scenario};
use harness_model::plan::Plan;

/// A check of a sub-test, distinguished by row: `STEP (row N): STATEMENTS`, with ` (2)` appended for a second check of
/// the same statements.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// The id of the sub-test.
    pub subtest: String,
    /// The step's name in the file, its row, and the statements.
    pub check: String,
}

/// The verdict of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub statements: Vec<String>,
    pub verdict: CheckVerdict,
}

/// A sub-test without a verdict on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnjudgedSubtest {
    pub id: String,
    pub reason: String,
}

/// Collects the verdicts of a run's checks.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// The checks, including those that ended in an error.
    pub cells: BTreeMap<Cell, Found>,
    /// Checks that failed in some runs only; they count as passed.
    pub wavering: BTreeSet<Cell>,
    /// Sub-tests that ended in an error.
    pub erred: Vec<UnjudgedSubtest>,
    pub skipped: Vec<UnjudgedSubtest>,
    plan: Option<Arc<Plan>>,
    /// How often each step has finished.
    rows: HashMap<(usize, usize), usize>,
}

impl Observed {
    pub fn verdict(&self, cell: &Cell) -> Option<CheckVerdict> {
        self.cells.get(cell).map(|found| found.verdict)
    }

    /// Merges several runs: a check fails if it failed in every run that judged it.
    pub fn steady(rounds: Vec<Self>) -> Self {
        let mut rounds = rounds.into_iter();
        let mut steady = rounds.next().unwrap_or_default();
        for round in rounds {
            for (cell, found) in round.cells {
                let known = steady.cells.entry(cell.clone()).or_insert_with(|| found.clone());
                let one_failed = [known.verdict, found.verdict].contains(&CheckVerdict::Fail);
                if one_failed && known.verdict != found.verdict {
                    known.verdict = CheckVerdict::Pass;
                    steady.wavering.insert(cell);
                }
            }
            steady.wavering.extend(round.wavering);
            steady.erred.extend(round.erred);
            steady.skipped.extend(round.skipped);
        }
        steady
    }

    pub fn failed(&self) -> impl Iterator<Item = (&Cell, &Found)> {
        self.cells
            .iter()
            .filter(|(_, found)| matches!(found.verdict, CheckVerdict::Fail | CheckVerdict::Waived))
    }
}

impl Listener for Observed {
    fn on_event(&mut self, event: &Event) {
        match event {
            Event::Started { plan, .. } => self.plan = Some(Arc::clone(plan)),
            Event::StepFinished { subtest, span, outcomes, .. } => {
                let Some(scenario) = self.plan.as_ref().and_then(|plan| scenario(plan, *subtest)) else {
                    return;
                };
                let row = self.rows.entry((*subtest, span.start)).or_default();
                *row += 1;
                let Some(step) = scenario.steps.iter().find(|step| step.span == *span) else { return };
                let row = if step.rows.len() > 1 { format!(" (row {row})") } else { String::new() };
                let mut seen: Vec<&[String]> = Vec::new();
                for outcome in outcomes {
                    let statements = outcome.statements.join(", ");
                    // Several checks of the same statements are numbered.
                    let earlier = seen.iter().filter(|known| **known == outcome.statements).count();
                    let place = if earlier > 0 { format!(" ({})", earlier + 1) } else { String::new() };
                    seen.push(&outcome.statements);
                    let check = format!("{}{row}: {statements}{place}", step.name.text);
                    let cell = Cell { subtest: scenario.id.clone(), check };
                    let found = Found { statements: outcome.statements.clone(), verdict: outcome.verdict };
                    let worst = self.cells.entry(cell).or_insert_with(|| found.clone());
                    if weight(found.verdict) > weight(worst.verdict) {
                        *worst = found;
                    }
                }
            }
            Event::SubtestFinished(SubtestFinished { subtest, verdict, reason, .. }) => {
                self.rows.retain(|(of, _), _| of != subtest);
                let list = match verdict {
                    SubtestVerdict::Error => &mut self.erred,
                    SubtestVerdict::Skip => &mut self.skipped,
                    SubtestVerdict::Pass | SubtestVerdict::Fail | SubtestVerdict::Waived => return,
                };
                let scenario = self.plan.as_ref().and_then(|plan| scenario(plan, *subtest));
                let id = scenario.map(|scenario| scenario.id.clone()).unwrap_or_default();
                let found = UnjudgedSubtest { id, reason: reason.clone().unwrap_or_default() };
                // However often it is repeated.
                if !list.contains(&found) {
                    list.push(found);
                }
            }
            _ => {}
        }
    }
}

fn weight(verdict: CheckVerdict) -> u8 {
    match verdict {
        CheckVerdict::Skip => 0,
        CheckVerdict::Pass => 1,
        CheckVerdict::Error => 2,
        CheckVerdict::Waived => 3,
        CheckVerdict::Fail => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(verdicts: &[(&str, CheckVerdict)]) -> Observed {
        let mut observed = Observed::default();
        for (check, verdict) in verdicts {
            let cell = Cell { subtest: "a/ST1".to_owned(), check: (*check).to_owned() };
            observed.cells.insert(cell, Found { statements: Vec::new(), verdict: *verdict });
        }
        observed
    }

    #[test]
    fn checks_that_fail_in_some_runs_only_have_not_failed() {
        use CheckVerdict::{Fail, Pass};
        let steady = Observed::steady(vec![
            run(&[("always", Fail), ("once", Fail), ("later", Pass), ("never", Pass), ("not again", Fail)]),
            run(&[("always", Fail), ("once", Pass), ("later", Pass), ("never", Pass)]),
            run(&[("always", Fail), ("once", Fail), ("later", Fail), ("never", Pass)]),
        ]);
        let failed: Vec<&str> = steady.failed().map(|(cell, _)| cell.check.as_str()).collect();
        assert_eq!(failed, ["always", "not again"]);
        let wavering: Vec<&str> = steady.wavering.iter().map(|cell| cell.check.as_str()).collect();
        assert_eq!(wavering, ["later", "once"]);
    }
}
