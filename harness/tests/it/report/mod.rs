//! Reports of a made-up run, from events alone.

mod closing;
mod formats;
mod history;
mod hostile;
mod large;
mod many;
mod program;
mod schema;
mod troubled;
mod words;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use harness_model::check::evidence::Exchange;
use harness_model::check::header::Header;
use harness_model::check::outcome::{CheckVerdict, Outcome};
use harness_model::event::{
    CleanupFailed, Event, Fault, Finished, Listener, RunEnd, SubtestFinished, SubtestStarted, SubtestVerdict,
    TargetDescription,
};
use harness_model::plan::{Disposition, Plan, PlannedSubtest};
use harness_model::requirement::Registry;
use harness_model::scenario::model::{Scenario, Source};
use harness_model::scenario::{ScenarioPath, parse};
use harness_report::exit_code::ExitCode;
use harness_report::junit;
use harness_report::record::Record;
use harness_report::results::Results;
use harness_report::terminal::{Detail, ProcessEnd, Terminal, TerminalOptions};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenarios")
}

fn registry() -> Registry {
    let text = std::fs::read_to_string(fixtures().join("requirements.toml")).unwrap();
    Registry::load(&text, Path::new("requirements.toml")).unwrap()
}

fn scenario(stem: &str, registry: &Registry) -> Arc<Scenario> {
    let relative = format!("probe/keys/{stem}.toml");
    let text = std::fs::read_to_string(fixtures().join(&relative)).unwrap();
    let source = Arc::new(Source::new(Path::new("scenarios").join(relative), text));
    let place = ScenarioPath {
        suite: "probe".to_owned(),
        chapter: "keys".to_owned(),
        stem: stem.to_owned(),
        snapshots: PathBuf::new(),
    };
    let parsed = parse(&source, &place, registry);
    Arc::new(parsed.scenario.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics)))
}

fn outcome(scenario: &Scenario, step: usize, check: usize, verdict: CheckVerdict) -> Outcome {
    let check = &scenario.steps[step].checks[check];
    Outcome {
        statements: check.verifies.clone(),
        verdict,
        expected: "201".to_owned(),
        actual: "500".to_owned(),
        message: "the status is 500".to_owned(),
        span: check.alternatives[0][0].span.clone(),
        notes: Vec::new(),
        seen: Vec::new(),
        unevaluated: None,
    }
}

fn step(subtest: usize, scenario: &Scenario, step: usize, outcomes: Vec<Outcome>) -> Event {
    Event::StepFinished {
        subtest,
        name: scenario.steps[step].name.text.clone(),
        span: scenario.steps[step].span.clone(),
        exchanges: vec![Exchange {
            method: "POST".to_owned(),
            url: "http://target/api/keys".to_owned(),
            request_headers: vec![Header::new("authorization", "Bearer $TOKEN")],
            request_body: Some(r#"{"name":"first"}"#.to_owned()),
            status: 500,
            headers: vec![Header::new("content-type", "application/json"), Header::new("date", "today")],
            body: r#"{"success":false}"#.to_owned(),
            took: Duration::from_millis(3),
            ..Exchange::default()
        }],
        process: None,
        wire: None,
        page: None,
        repeat: Some("curl -si -X POST http://target/api/keys --data-raw '{\"name\":\"first\"}'".to_owned()),
        outcomes,
        recording: None,
    }
}

/// A failure, a pass, a skip and an error, in that order.
fn events(registry: &Registry) -> Vec<Event> {
    let planned = |stem: &str, disposition| PlannedSubtest {
        disposition,
        ..PlannedSubtest::new(scenario(stem, registry))
    };
    let plan = Arc::new(Plan {
        subtests: vec![
            planned("ST1", Disposition::Run),
            planned("ST2", Disposition::Run),
            planned("ST3", Disposition::Skip("needs the dashboard".to_owned())),
            planned("ST4", Disposition::Run),
        ],
        ..Plan::default()
    });
    let (first, second) = (plan.subtests[0].scenario.clone(), plan.subtests[1].scenario.clone());
    let finished = |subtest, verdict, reason: Option<&str>, fault| {
        Event::SubtestFinished(SubtestFinished {
            subtest,
            verdict,
            reason: reason.map(str::to_owned),
            fault,
            took: Duration::from_millis(120),
            logs: Vec::new(),
        })
    };
    let started =
        |subtest| Event::SubtestStarted(SubtestStarted { subtest, id: String::new(), at: UNIX_EPOCH });
    let pass = |step, check| outcome(&first, step, check, CheckVerdict::Pass);
    vec![
        Event::Started {
            plan,
            target: TargetDescription {
                name: "probe".to_owned(),
                version: Some("1.2".to_owned()),
                base_url: Some("http://target/".to_owned()),
                reference: false,
                capabilities: Default::default(),
                missing_sessions: Default::default(),
                absent: Default::default(),
                refusal: Default::default(),
                deviating: None,
            },
            at: UNIX_EPOCH + Duration::from_secs(1_773_741_600),
        },
        started(0),
        step(0, &first, 0, vec![outcome(&first, 0, 0, CheckVerdict::Fail)]),
        step(0, &first, 1, vec![pass(1, 0), pass(1, 1), outcome(&first, 1, 2, CheckVerdict::Skip)]),
        Event::CleanupFailed(CleanupFailed {
            subtest: 0,
            message: "the key is deleted: DELETE answered 500".to_owned(),
        }),
        finished(0, SubtestVerdict::Fail, Some("an admin creates a key: the status is 500"), None),
        started(1),
        step(1, &second, 0, vec![outcome(&second, 0, 0, CheckVerdict::Pass)]),
        step(1, &second, 0, vec![outcome(&second, 0, 0, CheckVerdict::Pass)]),
        finished(1, SubtestVerdict::Pass, None, None),
        finished(2, SubtestVerdict::Skip, Some("needs the dashboard"), None),
        finished(
            3,
            SubtestVerdict::Error,
            Some("Linux-C could not be prepared: `ztna login` showed no code"),
            Some(Fault::Environment),
        ),
        Event::Finished(Finished { took: Duration::from_millis(480), end: RunEnd::Complete }),
    ]
}

fn record(events: &[Event]) -> Record {
    let mut record = Record::default();
    events.iter().for_each(|event| record.on_event(event));
    record
}

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn page(look: TerminalOptions) -> String {
    let registry = registry();
    page_of(&events(&registry), &registry, look)
}

fn page_of(events: &[Event], registry: &Registry, look: TerminalOptions) -> String {
    let record = record(events);
    let page = Page::default();
    let mut terminal = Terminal::new(page.clone(), look);
    events.iter().for_each(|event| terminal.on_event(event));
    let results = Results::of(&record, registry);
    let reports = [PathBuf::from("reports/results.json")];
    let end = ProcessEnd { reports: &reports, exit_code: ExitCode::NonConformant, command: "harness" };
    terminal.finish(&record, &results, registry, end);
    String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn results_are_built_from_events_alone() {
    let registry = registry();
    let results = Results::of(&record(&events(&registry)), &registry);
    insta::assert_json_snapshot!(results);
    let back: Results = serde_json::from_str(&serde_json::to_string(&results).unwrap()).unwrap();
    assert_eq!(back.totals, results.totals);
}

#[test]
fn terminal_report_fits_the_width() {
    insta::assert_snapshot!(
        "terminal_80",
        page(TerminalOptions { color: false, width: Some(80), live: false, detail: Detail::Usual })
    );
    insta::assert_snapshot!(
        "terminal_60",
        page(TerminalOptions { color: false, width: Some(60), live: false, detail: Detail::Usual })
    );
    let pipe = page(TerminalOptions { color: false, width: None, live: false, detail: Detail::Usual });
    assert!(!pipe.contains('\u{1b}') && pipe.contains("A key is created, listed and deleted in the end"));
    assert!(
        page(TerminalOptions { color: true, width: None, live: false, detail: Detail::Usual })
            .contains("\u{1b}[1m")
    );
}

#[test]
fn junit_distinguishes_failures_from_errors() {
    let registry = registry();
    let xml = junit::render(&Results::of(&record(&events(&registry)), &registry)).unwrap();
    let report = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    assert_eq!((report.tests, report.failures, report.errors), (4, 1, 1));
    assert!(xml.contains("<skipped message=\"needs the dashboard\""), "{xml}");
}

#[test]
fn missing_events_are_gaps() {
    let registry = registry();
    let without = |left_out: &dyn Fn(&Event) -> bool| {
        let events: Vec<Event> = events(&registry).into_iter().filter(|event| !left_out(event)).collect();
        record(&events).gaps().iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(without(&|_| false), "");
    assert_eq!(
        without(&|event| matches!(event, Event::StepFinished { subtest: 1, .. })),
        "keys/ST2: only 0 of 2 planned checks ran"
    );
    assert_eq!(
        without(&|event| matches!(event, Event::SubtestFinished(SubtestFinished { subtest: 1, .. }))),
        "keys/ST2 did not finish"
    );
    assert_eq!(without(&|event| matches!(event, Event::Finished(_))), "the run did not finish");
}
