//! Runs without a verdict, of which no report may look green.

use std::time::Duration;

use harness_model::event::{Event, Fault, Finished, RunEnd, SubtestFinished, SubtestVerdict};
use harness_report::record::Record;
use harness_report::results::Results;
use harness_report::{badge, headline, html, junit, markdown, tap};

use super::{events, record, registry};

fn results(record: &Record) -> Results {
    Results::of(record, &registry())
}

/// Interrupted before its first sub-test.
fn interrupted() -> Results {
    let mut kept: Vec<Event> = events(&registry()).into_iter().take(1).collect();
    for subtest in 0..4 {
        kept.push(Event::SubtestFinished(SubtestFinished {
            subtest,
            verdict: SubtestVerdict::Error,
            reason: Some("interrupted before it started".to_owned()),
            fault: Some(Fault::Interruption),
            took: Duration::ZERO,
            logs: Vec::new(),
        }));
    }
    kept.push(Event::Finished(Finished { took: Duration::from_millis(3), end: RunEnd::Interrupted }));
    results(&record(&kept))
}

fn unreachable() -> Results {
    let mut results = interrupted();
    let reason = "target http://target/ is unreachable: connection refused\ncheck base_url in target.toml";
    results.subtests.iter_mut().for_each(|subtest| subtest.reason = Some(reason.to_owned()));
    results
}

/// Everything that ran passed, but a planned sub-test did not run.
fn silent() -> Results {
    let kept = events(&registry()).into_iter().filter(|event| {
        !matches!(
            event,
            Event::SubtestFinished(SubtestFinished { subtest: 0 | 3, .. })
                | Event::StepFinished { subtest: 0, .. }
        )
    });
    let mut results = results(&record(&kept.collect::<Vec<_>>()));
    results.subtests.retain(|subtest| subtest.verdict == SubtestVerdict::Pass);
    results
}

#[test]
fn runs_without_a_verdict_never_look_green() {
    let cases = [
        ("no events", results(&Record::default())),
        ("interrupted", interrupted()),
        ("unreachable", unreachable()),
        ("silent", silent()),
    ];
    for (name, results) in cases {
        assert_ne!(results.exit_code, 0, "{name}");
        let sentence = headline::sentence(&results);
        assert!(html::render(&results).contains(&sentence), "{name}");
        assert!(
            markdown::render(&results, 60_000).starts_with(&format!("## {sentence}")),
            "{name}: {sentence}"
        );
        let text = tap::render(&results);
        assert!(
            text.lines().any(|line| line.starts_with("not ok ") || line.starts_with("Bail out! ")),
            "{name}"
        );
        let report = quick_junit::Report::deserialize_from_str(&junit::render(&results).unwrap()).unwrap();
        assert!(report.failures + report.errors > 0, "{name}");
        assert!(!badge::render(&results).contains("green"), "{name}");
    }
}
