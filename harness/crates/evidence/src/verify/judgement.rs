//! Reads the lines, follows their chain, and judges every check again.

use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Report;
use super::agreement::{Agreement, Trial};
use super::compare::{Terms, differences};
use super::files::shown;
use crate::archive::Archive;
use crate::chain::Chain;
use crate::line::{FORMAT, Happened, Line, PlannedLine, RunStarted};
use crate::manifest::{EXCHANGES, Manifest, RESULTS, SCENARIOS, STATEMENT, is_plain};
use crate::statement::{self, Subject};
use harness_model::event::{Event, Listener as _};
use harness_model::plan::waiver::Waivers;
use harness_model::plan::{Disposition, Filter, Plan, PlannedSubtest, Selection, TargetFacts, plan};
use harness_model::requirement::Registry;
use harness_model::scenario::{Library, load};
use harness_report::record::Record;
use harness_report::results::{Results, Selected};

/// An answer has 8 MiB at most, and JSON writes a byte with six at most.
const LONGEST_LINE: u64 = 128 << 20;
/// Results with ten thousand checks have a few megabytes.
const LONGEST_RESULTS: u64 = 512 << 20;
/// All scenarios together have half a megabyte.
const MOST_SCENARIOS: u64 = 64 << 20;

/// Judges every check again and compares what comes out with what is recorded.
pub(super) fn again<R: Read + Seek>(
    archive: &mut Archive<R>,
    manifest: &Manifest,
    report: &mut Report,
) -> io::Result<()> {
    let results = results(archive, manifest, report);
    let folder = tempfile::Builder::new().prefix("quickztna-evidence-").tempdir()?;
    let library = match unpack(archive, manifest, folder.path())? {
        Ok(()) => library(archive, folder.path()),
        Err(problem) => Err(problem),
    };
    let library = match library {
        Ok(library) => library,
        Err(problem) => {
            report.bad("checks", format!("nothing could be evaluated again: {problem}"));
            return Ok(());
        }
    };
    let Some(member) = archive.member(EXCHANGES) else {
        report.bad("checks", format!("nothing could be evaluated again: {EXCHANGES} is missing"));
        return Ok(());
    };
    let mut lines =
        Lines { reader: BufReader::new(archive.read(&member)?), chain: Chain::default(), breaks: Vec::new() };
    let judged = judged(&mut lines, &library, manifest, results.as_ref());
    let breaks = std::mem::take(&mut lines.breaks);
    chain(&lines.chain, breaks, manifest, report);
    match judged {
        Ok(judged) => tell(judged, manifest, results.as_ref(), &library.registry, report),
        Err(problem) => report.bad("checks", problem),
    }
    Ok(())
}

/// What came out.
struct Judged {
    record: Record,
    agreement: Agreement,
    started: Box<RunStarted>,
    problems: Vec<String>,
    is_ended: bool,
}

struct Lines<R> {
    reader: R,
    chain: Chain,
    breaks: Vec<String>,
}

impl<R: BufRead> Lines<R> {
    /// The next line; none at the end.
    fn next(&mut self) -> Result<Option<Line>, String> {
        let number = self.chain.lines() + 1;
        let mut text = Vec::new();
        let read = (&mut self.reader).take(LONGEST_LINE).read_until(b'\n', &mut text);
        let at = |what: String| format!("line {number} of {EXCHANGES} {what}");
        match read {
            Err(error) => return Err(at(format!("cannot be read: {error}"))),
            Ok(0) => return Ok(None),
            Ok(_) => {}
        }
        if text.pop() != Some(b'\n') {
            return Err(at("breaks off".to_owned()));
        }
        let line: Result<Line, _> = serde_json::from_slice(&text);
        let line = line.map_err(|error| at(format!("is not as the kit writes it: {error}")))?;
        if line.previous != self.chain.head() {
            self.breaks.push(match number {
                1 => at("is no first line: what stood before it is missing".to_owned()),
                _ => at(format!(
                    "does not follow from the one before: line {} was changed, or lines between them were dropped or \
                     added",
                    number - 1
                )),
            });
        }
        self.chain.take(&text);
        Ok(Some(line))
    }
}

fn chain(chain: &Chain, breaks: Vec<String>, manifest: &Manifest, report: &mut Report) {
    const AREA: &str = "chain";
    let wanted = &manifest.chain;
    let mut problems = breaks;
    if (chain.lines(), chain.head()) != (wanted.lines, wanted.head.as_str()) {
        problems.push(format!(
            "it has {} lines and ends with {}; the manifest has {} and {}",
            chain.lines(),
            short(chain.head()),
            wanted.lines,
            short(&wanted.head)
        ));
    }
    if problems.is_empty() {
        report.good(AREA, format!("{} lines, unbroken, to {}", chain.lines(), short(chain.head())));
    }
    report.bad_all(AREA, problems);
}

fn short(digest: &str) -> String {
    shown(digest).chars().take(12).collect::<String>() + "…"
}

fn judged<R: BufRead>(
    lines: &mut Lines<R>,
    library: &Library,
    manifest: &Manifest,
    results: Option<&Results>,
) -> Result<Judged, String> {
    let first = lines.next()?.map(|line| line.event);
    let Some(Happened::RunStarted(started)) = first else {
        return Err(format!("{EXCHANGES} does not begin with the beginning of a run"));
    };
    if started.format != FORMAT {
        return Err(format!("{EXCHANGES} has the form {}, and this kit reads {FORMAT}", started.format));
    }
    let (plan, mut problems) = planned(&started, library)?;
    if started.target != manifest.target || started.kit.version != manifest.kit.version {
        problems.push("the run's first line names another kit or target than the manifest".to_owned());
    }
    let mut record = Record::default();
    let at = SystemTime::from(begun(&started)?);
    record.hear(&Event::Started { plan: Arc::clone(&plan), target: started.target.clone(), at });
    let compares_words = started.kit.version == env!("CARGO_PKG_VERSION");
    let mut trial = Trial::new(&plan, &library.registry, started.strict, compares_words, results);
    let mut is_ended = false;
    while let Some(line) = lines.next()? {
        let number = lines.chain.lines();
        match line.event {
            // Runs of one plan are told one after the other where they are compared.
            Happened::RunStarted(next)
                if is_ended && next.plan == started.plan && next.target == started.target =>
            {
                is_ended = false;
                trial.again();
                let (plan, at) = (Arc::clone(&plan), SystemTime::from(begun(&next)?));
                record.hear(&Event::Started { plan, target: next.target, at });
            }
            Happened::RunStarted(_) => {
                return Err(format!("line {number} of {EXCHANGES} begins the run a second time"));
            }
            _ if is_ended => {
                return Err(format!("line {number} of {EXCHANGES} comes after the end of the run"));
            }
            Happened::Settled { run_id, retries, leftovers } => {
                record.hear(&Event::Settled { run_id, retries, leftovers });
            }
            Happened::RunFinished { took_ns, end } => {
                is_ended = true;
                record.hear(&Event::Finished { took: Duration::from_nanos(took_ns), end: end.into() });
            }
            happened => {
                if let Some(event) = trial.take(number, happened) {
                    record.hear(&event);
                }
            }
        }
    }
    let agreement = trial.end();
    Ok(Judged { record, agreement, started, problems, is_ended })
}

fn begun(started: &RunStarted) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(&started.at, &Rfc3339)
        .map_err(|error| format!("the run's beginning is no time: {error}"))
}

/// The plan of the run; each sub-test is held against what the target declares.
fn planned(started: &RunStarted, library: &Library) -> Result<(Arc<Plan>, Vec<String>), String> {
    let day = begun(started)?.date();
    let waivers = Arc::new(Waivers::recalled(&started.waivers, day)?);
    let facts = TargetFacts {
        name: started.target.name.clone(),
        capabilities: started.target.capabilities.clone(),
        lacking: std::collections::BTreeMap::new(),
        is_reference: started.target.reference,
    };
    let mut subtests = Vec::new();
    let mut problems = Vec::new();
    for PlannedLine { id, skip, judges_ours } in &started.plan {
        let scenario = library.scenarios.iter().find(|scenario| scenario.id == *id);
        let scenario = scenario.ok_or_else(|| format!("the scenario of {} is missing", shown(id)))?;
        if *judges_ours != started.target.reference {
            problems
                .push(format!("{id}: whether the reference's choices are judged does not fit the target"));
        }
        let wanted = plan(std::slice::from_ref(scenario), &library.registry, &Selection::default(), &facts);
        let runs =
            wanted.is_ok_and(|plan| plan.subtests.iter().any(|one| one.disposition == Disposition::Run));
        match skip {
            Some(_) if runs => {
                problems.push(format!("{id} was skipped although the target declares what it needs"));
            }
            None if !runs => {
                problems.push(format!("{id} was run although the target does not declare what it needs"));
            }
            _ => {}
        }
        subtests.push(PlannedSubtest {
            scenario: Arc::clone(scenario),
            disposition: skip.clone().map_or(Disposition::Run, Disposition::Skip),
            judges_ours: *judges_ours,
            waivers: Arc::clone(&waivers),
        });
    }
    let Selected { suites, filter, rerun, shard, repeat, shuffle, scenarios } = started.selection.clone();
    let filter = filter.as_deref().map(Filter::parse).transpose().map_err(|error| error.to_string())?;
    let only = rerun.then(std::collections::BTreeSet::new);
    let selection = Selection { suites, filter, only, shard, shuffle, repeat, max_fail: None, waivers };
    Ok((Arc::new(Plan { subtests, selection, elsewhere: Vec::new(), fingerprint: scenarios }), problems))
}

fn tell(
    judged: Judged,
    manifest: &Manifest,
    results: Option<&Results>,
    registry: &Registry,
    report: &mut Report,
) {
    const AREA: &str = "checks";
    let Judged { record, agreement, started, mut problems, is_ended } = judged;
    problems.extend(agreement.problems);
    if !is_ended {
        problems.push("the end of the run is missing".to_owned());
    }
    let counted = (agreement.steps, agreement.checks, agreement.resting.len() as u64);
    if counted != (manifest.chain.steps, manifest.chain.checks, manifest.chain.rest_on_secrets) {
        problems.push("the manifest counts other steps or checks than there are".to_owned());
    }
    for resting in &agreement.resting {
        report.warn(AREA, format!("cannot be evaluated again: {resting}"));
    }
    let evaluated = agreement.checks - counted.2;
    if problems.is_empty() {
        let subtests = started.plan.len();
        report.good(AREA, format!("{evaluated} in {subtests} sub-tests evaluated again: all agree"));
    }
    report.bad_all(AREA, problems);
    let Some(results) = results else { return };
    let terms =
        Terms { words: started.kit.version == env!("CARGO_PKG_VERSION"), wordless: agreement.wordless };
    let again = Results::of(&record, registry);
    let found = differences(results, &again, &terms);
    if found.is_empty() {
        let Results { totals, verdict, .. } = &again;
        let count = |counts: &std::collections::BTreeMap<String, usize>, name: &str| {
            counts.get(name).copied().unwrap_or_default()
        };
        report.good(
            "results",
            format!(
                "as they come out again: {} of {} sub-tests pass, {} statements verified; {}",
                count(&totals.subtests, "pass"),
                count(&totals.subtests, "total"),
                count(&totals.requirements, "verified"),
                verdict.in_words()
            ),
        );
    }
    report
        .bad_all("results", found.into_iter().map(|difference| format!("{RESULTS}: {difference}")).collect());
}

/// The recorded results, held against the manifest and the statement.
fn results<R: Read + Seek>(
    archive: &mut Archive<R>,
    manifest: &Manifest,
    report: &mut Report,
) -> Option<Results> {
    const AREA: &str = "results";
    let member = archive.member(RESULTS)?;
    let results = archive.whole(&member, LONGEST_RESULTS).map_err(|error| error.to_string());
    let results =
        results.and_then(|text| serde_json::from_slice::<Results>(&text).map_err(|error| error.to_string()));
    let results = match results {
        Ok(results) => results,
        Err(error) => {
            report.bad(AREA, format!("{RESULTS} is not as the kit writes it: {error}"));
            return None;
        }
    };
    let stated =
        (&manifest.target, &manifest.started_at, manifest.verdict, manifest.exit_code, &manifest.totals);
    if stated != (&results.target, &results.started_at, results.verdict, results.exit_code, &results.totals) {
        report.bad(AREA, format!("the manifest says otherwise than {RESULTS} how the run ended"));
    }
    let is_same = manifest.kit.version == env!("CARGO_PKG_VERSION");
    let configuration: Vec<_> =
        manifest.files.iter().filter(|file| file.path.starts_with(SCENARIOS)).cloned().collect();
    let subject = Subject {
        program: manifest.kit_executable_sha256.as_deref(),
        exchanges: manifest.file(EXCHANGES).map_or("", |file| file.sha256.as_str()),
    };
    let wanted = statement::render(&results, subject, &configuration).unwrap_or_default();
    let stated = archive.member(STATEMENT).and_then(|member| archive.whole(&member, LONGEST_RESULTS).ok());
    if is_same && stated.is_none_or(|stated| stated != wanted.as_bytes()) {
        report.bad(AREA, format!("{STATEMENT} does not say what {RESULTS} says"));
    }
    Some(results)
}

/// Puts the scenarios into a folder of our own. Only plain names come that far.
fn unpack<R: Read + Seek>(
    archive: &mut Archive<R>,
    manifest: &Manifest,
    folder: &Path,
) -> io::Result<Result<(), String>> {
    let mut left = MOST_SCENARIOS;
    for file in &manifest.files {
        let Some(name) = file.path.strip_prefix(SCENARIOS) else { continue };
        if !is_plain(&file.path) {
            return Ok(Err(format!("{} is no name of a scenario", shown(&file.path))));
        }
        let Some(member) = archive.member(&file.path) else {
            return Ok(Err(format!("{name} is missing")));
        };
        let content = match archive.whole(&member, left) {
            Ok(content) => content,
            Err(error) => return Ok(Err(format!("{name} cannot be read: {error}"))),
        };
        left = left.saturating_sub(content.len() as u64);
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, content)?;
    }
    Ok(Ok(()))
}

fn library<R: Read + Seek>(archive: &mut Archive<R>, folder: &Path) -> Result<Library, String> {
    let member = archive.member(EXCHANGES).ok_or_else(|| format!("{EXCHANGES} is missing"))?;
    let contents = archive.read(&member).map_err(|error| error.to_string())?;
    let mut lines = Lines { reader: BufReader::new(contents), chain: Chain::default(), breaks: Vec::new() };
    let Some(Line { event: Happened::RunStarted(started), .. }) = lines.next()? else {
        return Err(format!("{EXCHANGES} does not begin with the beginning of a run"));
    };
    load(folder, Path::new(&started.scenarios)).map_err(|refusal| {
        let first = refusal.diagnostics.first();
        let what = first.map(|first| format!("{}: {}", first.path.display(), first.message));
        format!("its scenarios make no sense to this kit: {}", shown(&what.unwrap_or_default()))
    })
}
