//! Runs in which many sub-tests fail, each for a cause of its own.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use harness_model::check::outcome::CheckVerdict;
use harness_model::event::{Event, SubtestFinished, SubtestStarted, SubtestVerdict};
use harness_model::plan::{Plan, PlannedSubtest};
use harness_model::scenario::model::Scenario;
use harness_report::terminal::{Detail, TerminalOptions};

use super::{events, outcome, page_of, registry, step};

/// What the terminal shows of a run in which so many sub-tests fail.
fn shown(failing: usize) -> String {
    let registry = registry();
    let mut made = events(&registry);
    let Event::Started { plan, .. } = &mut made[0] else { panic!("the first event starts the run") };
    let first = &plan.subtests[0];
    let named = |number: usize| PlannedSubtest {
        scenario: Arc::new(Scenario { id: format!("keys/ST1-{number}"), ..Scenario::clone(&first.scenario) }),
        ..first.clone()
    };
    let scenario = Arc::clone(&first.scenario);
    *plan = Arc::new(Plan { subtests: (0..failing).map(named).collect(), ..Plan::default() });
    let end = made.pop().unwrap();
    made.truncate(1);
    for subtest in 0..failing {
        let mut failed = outcome(&scenario, 0, 0, CheckVerdict::Fail);
        failed.message = format!("the status is {subtest}") + &" and more".repeat(subtest * 7);
        made.push(Event::SubtestStarted(SubtestStarted { subtest, id: String::new(), at: UNIX_EPOCH }));
        made.push(step(subtest, &scenario, 0, vec![failed]));
        made.push(Event::SubtestFinished(SubtestFinished {
            subtest,
            verdict: SubtestVerdict::Fail,
            reason: None,
            fault: None,
            took: Duration::from_millis(120),
            logs: Vec::new(),
        }));
    }
    made.push(end);
    let look = TerminalOptions { color: false, width: Some(80), live: false, detail: Detail::Usual };
    page_of(&made, &registry, look)
}

/// The first are told in full, the next in short, and the others are counted.
#[test]
fn many_failures_fit_in_200_lines() {
    for (failing, in_full, named) in [(3, 3..=3, 3..=3), (22, 8..=15, 22..=22), (100, 0..=6, 20..=40)] {
        let text = shown(failing);
        let lines = text.lines().count();
        let of_lines = |begin: &str| text.lines().filter(|line| line.starts_with(begin)).count();
        assert!(lines <= 200, "{failing} failures take {lines} lines\n{text}");
        assert_eq!(of_lines("    FAIL ["), failing, "{text}");
        assert!(
            in_full.contains(&of_lines("  statement ")),
            "{failing}: {}\n{text}",
            of_lines("  statement ")
        );
        assert!(
            named.contains(&of_lines("FAIL keys/ST1-")),
            "{failing}: {}\n{text}",
            of_lines("FAIL keys/ST1-")
        );
        let counted = failing - of_lines("FAIL keys/ST1-");
        let rest = format!("… {counted} more sub-tests fail; -v and the reports have them all");
        assert_eq!(text.contains(&rest), counted > 0, "{failing}\n{text}");
    }
}
