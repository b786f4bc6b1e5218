//! Re-evaluates every check from the recorded lines.

use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use harness_model::event::{Event, Listener as _};
use harness_model::library::Library;
use harness_model::requirement::Registry;
use harness_model::text::counted;
use harness_report::record::Record;
use harness_report::results::Results;

use crate::EvidenceError;
use crate::archive::Archive;
use crate::line::{RecordedEvent, RunStarted};
use crate::manifest::{EXCHANGES, Manifest};

use super::lines::{LineReader, NumberedLine};
use super::obstacle::Obstacle;
use super::plan::{RecordedPlan, start_time};
use super::replay::{Replayer, Reproduction};
use super::report::{Area, Report};
use super::{results, scenarios};

/// Re-evaluates every check and compares the outcomes with the recorded ones.
///
/// # Errors
/// A temporary file cannot be written; whatever is wrong with the bundle becomes a finding.
pub(super) fn reevaluate<R: Read + Seek>(
    archive: &mut Archive<R>,
    manifest: &Manifest,
    report: &mut Report,
) -> Result<(), EvidenceError> {
    let recorded = results::read(archive, manifest, report);
    let folder = tempfile::Builder::new().prefix("quickztna-evidence-").tempdir()?;
    let done = scenarios::extract(archive, manifest, folder.path())
        .and_then(|()| replay_all(archive, manifest, folder.path(), recorded.as_ref(), report));
    match done {
        Ok(()) => Ok(()),
        Err(Obstacle::Local(error)) => Err(error.into()),
        Err(obstacle) => {
            report.bad(Area::Checks, format!("re-evaluation failed: {obstacle}"));
            Ok(())
        }
    }
}

fn replay_all<R: Read + Seek>(
    archive: &mut Archive<R>,
    manifest: &Manifest,
    scenarios: &Path,
    recorded: Option<&Results>,
    report: &mut Report,
) -> Result<(), Obstacle> {
    let exchanges = || EXCHANGES.to_owned();
    let member = archive.member(EXCHANGES).ok_or_else(|| Obstacle::MissingFile(exchanges()))?;
    let contents =
        archive.read(&member).map_err(|cause| Obstacle::UnreadableFile { name: exchanges(), cause })?;
    let mut lines = LineReader::new(BufReader::new(contents));
    let started = lines.start()?;
    let library = scenarios::load_extracted(scenarios, &started.scenarios)?;
    let run = Run { started: &started, library: &library, manifest, recorded };
    let replayed = replay(&mut lines, run);
    lines.report_chain(&manifest.chain, report);
    compare(replayed?, run, report);
    Ok(())
}

#[derive(Clone, Copy)]
struct Run<'a> {
    started: &'a RunStarted,
    library: &'a Library,
    manifest: &'a Manifest,
    /// The recorded results, if they are readable.
    recorded: Option<&'a Results>,
}

impl Run<'_> {
    /// Whether messages can be compared: only this version words them alike.
    fn is_of_this_version(self) -> bool {
        self.started.kit.version == env!("CARGO_PKG_VERSION")
    }
}

struct Replayed {
    record: Record,
    reproduction: Reproduction,
    problems: Vec<String>,
}

fn replay<R: BufRead>(lines: &mut LineReader<R>, run: Run<'_>) -> Result<Replayed, Obstacle> {
    let Run { started, library, manifest, recorded } = run;
    let RecordedPlan { plan, mut problems } = RecordedPlan::of(started, library)?;
    if started.target != manifest.target || started.kit.version != manifest.kit.version {
        problems.push("kit or target in the first line differ from the manifest".to_owned());
    }
    let compares_messages = run.is_of_this_version() && recorded.is_some();
    let mut replayer = Replayer::new(&plan, &library.registry, started.strict, compares_messages);
    let mut record = Record::default();
    let start = |started: &RunStarted| -> Result<Event, Obstacle> {
        let at = SystemTime::from(start_time(started)?);
        Ok(Event::Started { plan: Arc::clone(&plan), target: started.target.clone(), at })
    };
    record.on_event(&start(started)?);
    let mut is_ended = false;
    while let Some(NumberedLine { number, event }) = lines.next()? {
        let heard = match event {
            // `--prove-isolation` records several runs of the same plan.
            RecordedEvent::RunStarted(next)
                if is_ended && next.plan == started.plan && next.target == started.target =>
            {
                is_ended = false;
                replayer.restart();
                Some(start(&next)?)
            }
            RecordedEvent::RunStarted(_) => return Err(Obstacle::SecondStart { number }),
            _ if is_ended => return Err(Obstacle::AfterEnd { number }),
            RecordedEvent::Settled(settled) => Some(Event::Settled(settled)),
            RecordedEvent::RunFinished(finished) => {
                is_ended = true;
                Some(Event::Finished(finished))
            }
            of_subtest => replayer.replay(number, of_subtest),
        };
        heard.iter().for_each(|event| record.on_event(event));
    }
    if !is_ended {
        problems.push("the end of the run is missing".to_owned());
    }
    Ok(Replayed { record, reproduction: replayer.finish(), problems })
}

/// Reports the re-evaluated checks, and where the results differ.
fn compare(replayed: Replayed, run: Run<'_>, report: &mut Report) {
    let Replayed { record, reproduction, mut problems } = replayed;
    let Reproduction { steps, checks, problems: unreproduced, secret_dependent, secret_messages } =
        reproduction;
    problems.extend(unreproduced);
    let recorded_counts = &run.manifest.chain;
    let excluded = secret_dependent.len() as u64;
    if (steps, checks, excluded)
        != (recorded_counts.steps, recorded_counts.checks, recorded_counts.rest_on_secrets)
    {
        problems.push("the numbers of steps or checks differ from the manifest".to_owned());
    }
    for check in &secret_dependent {
        report.warn(Area::Checks, format!("cannot be re-evaluated: {check}"));
    }
    if problems.is_empty() {
        let subtests = counted(run.started.plan.len(), "sub-test");
        report.good(Area::Checks, format!("{} in {subtests} re-evaluated: all agree", checks - excluded));
    }
    report.bad_all(Area::Checks, problems);
    if let Some(recorded) = run.recorded {
        let registry: &Registry = &run.library.registry;
        let reproduced = Results::of(&record, registry);
        results::compare(recorded, &reproduced, run.is_of_this_version(), secret_messages, report);
    }
}
