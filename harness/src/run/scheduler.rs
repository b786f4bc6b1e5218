//! Runs sub-tests at the same time and brings their events into one row.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::plan::Plan;
use crate::run::event::{End, Event, Fault, Listener, SubtestVerdict};
use crate::run::stop::Stop;
use crate::run::{Setting, subtest};

/// Where sub-tests tell what happens.
#[derive(Debug, Clone)]
pub(super) struct Events(mpsc::UnboundedSender<Event>);

impl Events {
    pub(super) fn tell(&self, event: Event) {
        // Nobody listens only when the run is over.
        let _ = self.0.send(event);
    }
}

/// Runs the whole plan; `at` is the time it begins.
pub async fn run(
    setting: Arc<Setting>,
    plan: Arc<Plan>,
    at: SystemTime,
    stop: Stop,
    listener: &mut dyn Listener,
) {
    let begun = Instant::now();
    let target = setting.target.description();
    listener.hear(&Event::Started { plan: Arc::clone(&plan), target, at });

    let (sender, mut receiver) = mpsc::unbounded_channel();
    let scheduling =
        tokio::spawn(schedule(Arc::clone(&setting), Arc::clone(&plan), stop.clone(), Events(sender)));
    while let Some(event) = receiver.recv().await {
        listener.hear(&event);
    }
    let unfinished = scheduling.await.unwrap_or_default();
    let end = stop.end().unwrap_or(End::Complete);
    for (subtest, fault, reason) in unfinished {
        let verdict = SubtestVerdict::Error;
        let took = std::time::Duration::ZERO;
        listener.hear(&Event::SubtestFinished {
            subtest,
            verdict,
            reason: Some(reason),
            fault: Some(fault),
            took,
        });
    }
    listener.hear(&Event::Finished { took: begun.elapsed(), end });
}

/// What did not end by itself, whose fault that is, and why.
type Unfinished = Vec<(usize, Fault, String)>;

async fn schedule(setting: Arc<Setting>, plan: Arc<Plan>, mut stop: Stop, events: Events) -> Unfinished {
    let mut unfinished = Unfinished::new();
    let mut running: JoinSet<()> = JoinSet::new();
    let mut positions = std::collections::HashMap::new();
    let mut waiting = 0..plan.subtests.len();
    loop {
        while running.len() < setting.jobs.max(1) && stop.end().is_none() {
            let Some(subtest) = waiting.next() else { break };
            let task = running.spawn(one(
                Arc::clone(&setting),
                Arc::clone(&plan),
                subtest,
                stop.clone(),
                events.clone(),
            ));
            positions.insert(task.id(), subtest);
        }
        let finished = tokio::select! {
            finished = running.join_next() => finished,
            () = stop.asked(), if stop.end().is_none() => continue,
        };
        match finished {
            None => break,
            Some(Ok(())) => {}
            // Steps catch panics themselves; this one came from around them.
            Some(Err(error)) => {
                let subtest = positions.get(&error.id()).copied().unwrap_or_default();
                unfinished.push((subtest, Fault::Kit, format!("the kit failed: {error}")));
            }
        }
    }
    unfinished.extend(
        waiting.map(|subtest| (subtest, Fault::Interruption, "interrupted before it began".to_owned())),
    );
    unfinished
}

async fn one(setting: Arc<Setting>, plan: Arc<Plan>, subtest: usize, stop: Stop, events: Events) {
    if let Some(planned) = plan.subtests.get(subtest) {
        subtest::run(&setting, planned, subtest, stop, &events).await;
    }
}
