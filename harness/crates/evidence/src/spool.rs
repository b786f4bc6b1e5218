//! Writes the lines of a run to a temporary file as events arrive, so that memory use is independent of its length.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write as _};
use std::sync::Arc;
use std::time::SystemTime;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::chain::Chain;
use crate::line::{FORMAT, Line, PlannedLine, RecordedEvent, RunStarted};
use harness_model::event::{Event, Listener, TargetDescription};
use harness_model::plan::waiver::WaiverState;
use harness_model::plan::{Disposition, Plan};
use harness_model::recording::{RecordedEvidence, Recording};
use harness_model::text::foreign::shown;
use harness_report::results::{Kit, Selected};

/// Records the evidence of a run.
#[derive(Debug)]
pub struct Spool {
    file: BufWriter<File>,
    chain: Chain,
    strict: bool,
    scenarios: String,
    plan: Arc<Plan>,
    counts: Counts,
    failure: Option<io::Error>,
}

/// Counts of the recorded lines' contents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Recorded steps, including those that could not run.
    pub steps: u64,
    pub exchanges: u64,
    pub checks: u64,
    /// Checks that cannot be re-evaluated, because their outcome depends on a secret.
    pub rest_on_secrets: u64,
}

/// The recorded lines of a run.
#[derive(Debug)]
pub struct Spooled {
    pub file: File,
    pub chain: Chain,
    pub counts: Counts,
}

impl Spool {
    /// Creates an empty recording. `scenarios` is the scenarios' folder as shown in locations.
    pub fn begin(strict: bool, scenarios: &str) -> io::Result<Self> {
        let file = BufWriter::new(tempfile::tempfile()?);
        let (chain, counts) = (Chain::default(), Counts::default());
        let (scenarios, plan) = (scenarios.to_owned(), Arc::default());
        Ok(Self { file, chain, strict, scenarios, plan, counts, failure: None })
    }

    /// Returns the recorded lines.
    ///
    /// # Errors
    /// A line could not be written, such as on a full disk.
    pub fn finish(self) -> io::Result<Spooled> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(Spooled { file, chain: self.chain, counts: self.counts })
    }

    fn write(&mut self, event: RecordedEvent) {
        if self.failure.is_some() {
            return;
        }
        let line = Line { previous: self.chain.head().to_owned(), event };
        let written = serde_json::to_string(&line).map_err(io::Error::other).and_then(|text| {
            // The same JSON, without characters that nobody sees.
            let text = shown(&text);
            self.chain.append(text.as_bytes());
            self.file.write_all(text.as_bytes())?;
            self.file.write_all(b"\n")
        });
        self.failure = written.err();
    }

    fn begun(&self, plan: &Plan, target: &TargetDescription, at: SystemTime) -> RunStarted {
        let planned = plan.subtests.iter().map(|planned| PlannedLine {
            id: planned.scenario.id.clone(),
            skip: match &planned.disposition {
                Disposition::Skip(reason) => Some(reason.clone()),
                Disposition::Run => None,
            },
            judges_ours: planned.judges_ours,
        });
        RunStarted {
            format: FORMAT,
            nonce: hex::encode(rand::random::<[u8; 16]>()),
            at: rfc3339(at),
            kit: Kit { name: "harness".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            target: target.clone(),
            strict: self.strict,
            scenarios: self.scenarios.clone(),
            selection: Selected::of(plan),
            waivers: plan
                .selection
                .waivers
                .all()
                .iter()
                .map(|waiver| waiver.applied(WaiverState::NotJudged))
                .collect(),
            plan: planned.collect(),
        }
    }

    fn count(&mut self, recording: &Recording) {
        let number = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        self.counts.steps += 1;
        if let RecordedEvidence::Http(exchanges) = &recording.evidence {
            self.counts.exchanges += number(exchanges.len());
        }
        self.counts.checks += number(recording.checks.len());
        let resting = recording.checks.iter().filter(|check| check.rests_on_secret.is_some());
        self.counts.rest_on_secrets += number(resting.count());
    }
}

impl Listener for Spool {
    fn on_event(&mut self, event: &Event) {
        match event {
            Event::Started { plan, target, at } => {
                self.plan = Arc::clone(plan);
                let begun = self.begun(plan, target, *at);
                self.write(RecordedEvent::RunStarted(Box::new(begun)));
            }
            Event::SubtestStarted(started) => self.write(RecordedEvent::SubtestStarted(started.clone())),
            Event::StepFinished { subtest, recording: Some(recording), .. } => {
                self.count(recording);
                self.write(RecordedEvent::Step { subtest: *subtest, recording: recording.clone() });
            }
            Event::StepFinished { recording: None, .. } => {}
            Event::CleanupFailed(failed) => self.write(RecordedEvent::CleanupFailed(failed.clone())),
            Event::SubtestFinished(finished) => self.write(RecordedEvent::SubtestFinished(finished.clone())),
            Event::Settled(settled) => self.write(RecordedEvent::Settled(settled.clone())),
            Event::Finished(finished) => self.write(RecordedEvent::RunFinished(finished.clone())),
        }
    }
}

fn rfc3339(at: SystemTime) -> String {
    OffsetDateTime::from(at).format(&Rfc3339).unwrap_or_default()
}
