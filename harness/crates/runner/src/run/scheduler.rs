//! Runs sub-tests concurrently and merges their events into one sequence.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::run::events::Events;
use crate::run::setting::RunSettings;
use crate::run::stop::Stop;
use crate::run::{subtest, sweep};
use crate::slot::{Slot, Slots};
use harness_model::event::{
    Event, Fault, Finished, Listener, RunEnd, Settled, SubtestFinished, SubtestVerdict,
};
use harness_model::plan::{Disposition, Plan, PlannedSubtest};
use harness_model::scenario::model::Capability;

/// Runs the whole plan. `at` is the start time for reports.
pub async fn run(
    setting: Arc<RunSettings>,
    plan: Arc<Plan>,
    at: SystemTime,
    stop: Stop,
    listener: &mut dyn Listener,
) {
    let begun = Instant::now();
    let target = setting.target.description();
    listener.on_event(&Event::Started { plan: Arc::clone(&plan), target, at });

    setting.browsers.prepare(visits(&plan));
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let scheduling =
        tokio::spawn(schedule(Arc::clone(&setting), Arc::clone(&plan), stop.clone(), Events::new(sender)));
    while let Some(event) = receiver.recv().await {
        listener.on_event(&event);
    }
    let Scheduled { unfinished, has_begun } = scheduling.await.unwrap_or_default();
    let end = stop.end().unwrap_or(RunEnd::Complete);
    for Unfinished { subtest, verdict, fault, reason } in unfinished {
        let (verdict, reason, fault) = match plan.planned(subtest).map(|planned| &planned.disposition) {
            Some(Disposition::Skip(reason)) => (SubtestVerdict::Skip, reason.clone(), None),
            _ => (verdict, reason, Some(fault)),
        };
        let took = std::time::Duration::ZERO;
        listener.on_event(&Event::SubtestFinished(SubtestFinished {
            subtest,
            verdict,
            reason: Some(reason),
            fault,
            took,
            logs: Vec::new(),
        }));
    }
    // If no sub-test has begun there is nothing to remove.
    let leftovers = if has_begun { sweep::sweep(&setting, stop).await } else { Vec::new() };
    setting.target.finish().await;
    listener.on_event(&Event::Settled(Settled {
        run_id: setting.id.clone(),
        retries: setting.target.retries(),
        leftovers,
    }));
    listener.on_event(&Event::Finished(Finished { took: begun.elapsed(), end }));
}

/// The number of sub-tests that use a browser.
fn visits(plan: &Plan) -> usize {
    let runs = |planned: &&PlannedSubtest| {
        planned.disposition == Disposition::Run && planned.scenario.needs.contains(&Capability::Dashboard)
    };
    plan.subtests.iter().filter(runs).count()
}

#[derive(Debug, Default)]
struct Scheduled {
    unfinished: Vec<Unfinished>,
    /// Whether any sub-test has begun, other than skipped ones.
    has_begun: bool,
}

/// A sub-test without a verdict of its own.
#[derive(Debug)]
struct Unfinished {
    subtest: usize,
    /// `Skip` if it was not run because enough others have failed.
    verdict: SubtestVerdict,
    fault: Fault,
    reason: String,
}

async fn schedule(setting: Arc<RunSettings>, plan: Arc<Plan>, mut stop: Stop, events: Events) -> Scheduled {
    let mut unfinished = Vec::new();
    let mut has_begun = false;
    let mut running: JoinSet<()> = JoinSet::new();
    let mut positions = std::collections::HashMap::new();
    let slots = Slots::new(setting.jobs);
    let mut waiting = turns(&plan, exclusive_needs(&setting)).peekable();
    let max_fail_reached = || plan.selection.max_fail.is_some_and(|most| events.failed() >= most.get());
    loop {
        while stop.end().is_none() && !max_fail_reached() {
            if waiting.peek().is_none_or(|turn| turn.is_alone && !running.is_empty()) {
                break;
            }
            let Some(slot) = slots.take() else { break };
            let Some(Turn { subtest, .. }) = waiting.next() else { break };
            let task = running.spawn(run_one(
                Arc::clone(&setting),
                Arc::clone(&plan),
                subtest,
                slot,
                stop.clone(),
                events.clone(),
            ));
            positions.insert(task.id(), subtest);
            let planned = plan.planned(subtest);
            has_begun |= planned.is_some_and(|planned| planned.disposition == Disposition::Run);
        }
        let finished = tokio::select! {
            finished = running.join_next_with_id() => finished,
            // A sub-test waits, and leaves its slot to another one meanwhile.
            () = slots.freed(), if waiting.peek().is_some_and(|turn| !turn.is_alone) => continue,
            () = stop.asked(), if stop.end().is_none() => continue,
        };
        match finished {
            None => break,
            Some(Ok((task, ()))) => drop(positions.remove(&task)),
            // Panics in steps are caught there; this one came from the code around them.
            Some(Err(error)) => {
                let subtest = positions.remove(&error.id()).unwrap_or_default();
                let reason = format!("the kit failed: {error}");
                let (verdict, fault) = (SubtestVerdict::Error, Fault::Kit);
                unfinished.push(Unfinished { subtest, verdict, fault, reason });
            }
        }
    }
    let (verdict, reason) = match plan.selection.max_fail {
        Some(most) if stop.end().is_none() => {
            (SubtestVerdict::Skip, format!("not run: --max-fail {most} was reached"))
        }
        _ => (SubtestVerdict::Error, "interrupted before it started".to_owned()),
    };
    unfinished.extend(waiting.map(|turn| Unfinished {
        subtest: turn.subtest,
        verdict,
        fault: Fault::Interruption,
        reason: reason.clone(),
    }));
    Scheduled { unfinished, has_begun }
}

/// A sub-test that starts as soon as there is a slot for it or, if it runs alone, all others have ended.
#[derive(Debug, PartialEq, Eq)]
struct Turn {
    subtest: usize,
    is_alone: bool,
}

/// Returns the capabilities whose sub-tests run alone on a shared target. A clock that moves ends the sessions and keys of
/// concurrent sub-tests, and a reset removes them; two of them
/// would fill the same quota. Agents with TUN devices share this host's routes: there is no namespace for each of them.
fn exclusive_needs(setting: &RunSettings) -> &'static [Capability] {
    match setting.target.is_shared() {
        false => &[],
        true if setting.target.description().capabilities.contains(&Capability::Tun) => {
            &[Capability::Clock, Capability::Fresh, Capability::Quota, Capability::Agent, Capability::Tun]
        }
        true => &[Capability::Clock, Capability::Fresh, Capability::Quota],
    }
}

/// When a sub-test starts, among those that run beside others: the longest first, so that none of them is left alone at
/// the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Others run while it waits.
    Waiting,
    /// It starts a browser, downloads the agent, or runs another tool.
    Slow,
    /// It proves silence, which takes a while.
    Listening,
    Others,
}

impl Start {
    const ALL: [Self; 4] = [Self::Waiting, Self::Slow, Self::Listening, Self::Others];

    fn of(planned: &PlannedSubtest) -> Self {
        let needs = &planned.scenario.needs;
        let is_slow = |need: &Capability| {
            matches!(need, Capability::Dashboard | Capability::Installer) || need.is_recipe_tool()
        };
        if planned.waits.is_some() {
            Self::Waiting
        } else if needs.iter().any(is_slow) {
            Self::Slow
        } else if needs.contains(&Capability::Wire) {
            Self::Listening
        } else {
            Self::Others
        }
    }
}

/// Returns the sub-tests by their [`Start`] and then in the plan's order; those with an exclusive need are the last, since
/// they run alone.
fn turns<'a>(plan: &'a Plan, exclusive: &'static [Capability]) -> impl Iterator<Item = Turn> + use<'a> {
    let runs_alone = move |run: &usize| {
        let is_exclusive = |planned: &PlannedSubtest| {
            let moves_clock = planned.scenario.waits.is_some() && planned.waits.is_none();
            exclusive.iter().any(|need| planned.scenario.needs.contains(need))
                || moves_clock && exclusive.contains(&Capability::Clock)
        };
        plan.planned(*run).is_some_and(is_exclusive)
    };
    // Lazy, so that thousands of repetitions need no memory.
    let all = move || (0..plan.repetitions()).flat_map(|repetition| plan.order(repetition));
    let starting = move |start: Start| {
        let begins = move |run: &usize| plan.planned(*run).is_some_and(|planned| Start::of(planned) == start);
        all().filter(move |run| !runs_alone(run) && begins(run))
    };
    let together = Start::ALL.into_iter().flat_map(starting);
    let together = together.map(|subtest| Turn { subtest, is_alone: false });
    let alone = all().filter(runs_alone).map(|subtest| Turn { subtest, is_alone: true });
    together.chain(alone)
}

async fn run_one(
    setting: Arc<RunSettings>,
    plan: Arc<Plan>,
    subtest: usize,
    slot: Slot,
    stop: Stop,
    events: Events,
) {
    if let Some(planned) = plan.planned(subtest) {
        // The next sub-test may start only after the end of this one was heard.
        subtest::run(&setting, planned, subtest, slot.clone(), stop, &events).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use harness_model::plan::PlannedSubtest;
    use harness_model::requirement::Registry;
    use harness_model::scenario::model::{Scenario, Source};
    use harness_model::scenario::{ScenarioPath, parse};

    fn scenario(stem: &str) -> Scenario {
        let text = "title = \"a title\"\n[[step]]\nname = \"n\"\nget = \"/\"\n\
             check = [{ verifies = [\"a/F.1\"], status = 200 }]\n";
        let source = Arc::new(Source::new(format!("{stem}.toml"), text));
        let place = ScenarioPath {
            suite: "s".to_owned(),
            chapter: "a".to_owned(),
            stem: stem.to_owned(),
            snapshots: format!("{stem}.snap").into(),
        };
        let registry = "[chapters]\na = { suite = \"s\", title = \"\", document = \"\" }\n\
             [[requirement]]\nid = \"a/F.1\"\ntext = \"\"\nvia = [\"http\"]\nlevel = \"must\"\n";
        let registry = Registry::load(registry, "requirements.toml".as_ref()).unwrap();
        parse(&source, &place, &registry).scenario.unwrap()
    }

    fn planned(id: &str, needs: &[Capability], waits: Option<Duration>, has_clock: bool) -> PlannedSubtest {
        let mut scenario = scenario(id);
        scenario.needs.extend(needs.iter().copied());
        scenario.waits = waits;
        PlannedSubtest { waits: waits.filter(|_| !has_clock), ..PlannedSubtest::new(Arc::new(scenario)) }
    }

    fn order(subtests: &[PlannedSubtest], exclusive: &'static [Capability]) -> Vec<(usize, bool)> {
        let plan = Plan { subtests: subtests.to_vec(), ..Plan::default() };
        turns(&plan, exclusive).map(|turn| (turn.subtest, turn.is_alone)).collect()
    }

    #[test]
    fn sub_tests_with_an_exclusive_need_run_alone_and_those_that_wait_begin() {
        let subtests = |has_clock: bool| {
            [("ST1", true, false), ("ST2", false, false), ("ST3", true, false), ("ST4", false, true)].map(
                |(id, moves_clock, waits)| {
                    let needs: &[Capability] = if moves_clock { &[Capability::Clock] } else { &[] };
                    planned(id, needs, waits.then_some(Duration::from_secs(61)), has_clock)
                },
            )
        };
        let (with_clock, without) = (subtests(true), subtests(false));
        assert_eq!(order(&with_clock, &[]), [(0, false), (1, false), (2, false), (3, false)]);
        assert_eq!(order(&with_clock, &[Capability::Clock]), [(1, false), (0, true), (2, true), (3, true)]);
        assert_eq!(order(&without, &[Capability::Clock]), [(3, false), (1, false), (0, true), (2, true)]);
    }

    #[test]
    fn slow_sub_tests_start_before_quick_ones() {
        let needs = [
            &[][..],
            &[Capability::Wire],
            &[Capability::Installer],
            &[],
            &[Capability::Dashboard],
            &[Capability::CloudInit],
        ];
        let subtests = [1, 2, 3, 4, 5, 6].map(|number| format!("ST{number}"));
        let subtests: Vec<_> =
            subtests.iter().zip(needs).map(|(id, needs)| planned(id, needs, None, true)).collect();
        let started: Vec<_> = order(&subtests, &[]).into_iter().map(|(subtest, _)| subtest).collect();
        assert_eq!(started, [2, 4, 5, 1, 0, 3]);
    }
}
