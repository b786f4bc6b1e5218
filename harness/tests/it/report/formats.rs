//! Every format of a made-up failed run with a replay on the reference and a diagnosis.

use std::path::Path;

use harness_model::check::outcome::CheckVerdict;
use harness_model::event::{Event, Listener, SubtestVerdict};
use harness_model::plan::waiver::{AppliedWaiver, WaiverState};
use harness_report::annotation::annotations;
use harness_report::replay::Replay;
use harness_report::resemblance::Resemblance;
use harness_report::results::Results;
use harness_report::{badge, html, junit, markdown, tap};
use regex::Regex;

use super::{events, record, registry};

/// The results of the run.
pub(crate) fn results() -> Results {
    let registry = registry();
    let events = events(&registry);
    let mut results = Results::of(&record(&events), &registry);
    let mut replay = Replay::of(&results);
    events.iter().cloned().map(as_on_the_reference).for_each(|event| replay.on_event(&event));
    replay.attach(&mut results);
    results.diagnosis = vec![Resemblance {
        deviation: "keys-refused".to_owned(),
        summary: "every key is refused".to_owned(),
        agreeing: 1,
        of: 2,
        against: vec!["keys/F.3 of keys/ST2 passes".to_owned()],
        others: 0,
    }];
    results
}

fn as_on_the_reference(mut event: Event) -> Event {
    if let Event::StepFinished { exchanges, outcomes, .. } = &mut event {
        outcomes.iter_mut().for_each(|outcome| outcome.verdict = CheckVerdict::Pass);
        for exchange in exchanges {
            exchange.status = 201;
            exchange.body = r#"{"success":true}"#.to_owned();
        }
    }
    event
}

fn waived() -> Results {
    let mut results = results();
    let waiver = AppliedWaiver {
        statement: Some("keys/F.1".to_owned()),
        check: None,
        reason: "fixed in the next release".to_owned(),
        owner: "ada@example.com".to_owned(),
        expires: "2026-12-31".to_owned(),
        state: WaiverState::Used,
        location: "waivers.toml:1".parse().unwrap(),
    };
    results.subtests[0].verdict = SubtestVerdict::Waived;
    results.subtests[0].checks[0].verdict = CheckVerdict::Waived;
    results.subtests[0].checks[0].waiver = Some(waiver.clone());
    results.totals.subtests.insert("fail".to_owned(), 0);
    results.totals.subtests.insert("waived".to_owned(), 1);
    results.totals.checks.insert("waived".to_owned(), 1);
    results.waivers = vec![waiver];
    results
}

/// Returns the page without style and script, one element per line.
fn content(page: &str) -> String {
    let unseen = Regex::new("(?s)<(style|script)>.*?</(?:style|script)>").unwrap();
    let page = unseen.replace_all(page, "<$1/>");
    let digest = Regex::new("'sha256-[^']*'").unwrap();
    digest.replace_all(&page, "'sha256-…'").replace("><", ">\n<")
}

#[test]
fn every_format_renders_the_run() {
    let results = results();
    insta::assert_snapshot!("html", content(&html::render(&results)));
    insta::assert_snapshot!("markdown", markdown::render(&results, markdown::COMMENT_LIMIT));
    insta::assert_snapshot!("tap", tap::render(&results));
    insta::assert_snapshot!("junit", junit::render(&results).unwrap());
    insta::assert_snapshot!("badge", badge::render(&results));
}

#[test]
fn every_format_shows_waivers() {
    let results = waived();
    let formats = [
        html::render(&results),
        markdown::render(&results, markdown::COMMENT_LIMIT),
        junit::render(&results).unwrap(),
    ];
    for text in formats {
        assert!(text.contains("fixed in the next release") && text.contains("1 waived"), "{text}");
    }
    assert!(
        tap::render(&results)
            .contains("not ok 1 - keys/ST1: A key is created, listed and deleted in the end # TODO")
    );
    assert!(badge::render(&results).contains("1 passed, 1 waived"));
    let annotations = annotations(&results, Path::new("/"), Path::new("/"));
    assert!(
        annotations
            .iter()
            .any(|line| line.starts_with("::warning file=scenarios/probe/keys/ST1.toml,line=10"))
    );
}

#[test]
fn replay_adds_the_reference_response() {
    let results = results();
    let reference = results.subtests[0].failures[0].reference.clone().unwrap();
    assert!(reference.holds && reference.missing.is_none());
    assert_eq!(
        (reference.exchanges[0].status, results.subtests[0].failures[0].exchanges[0].status),
        (201, 500)
    );
}

#[test]
fn unreached_reference_step_has_a_reason() {
    let registry = registry();
    let events = events(&registry);
    let mut results = Results::of(&record(&events), &registry);
    let mut replay = Replay::of(&results);
    let unplayed = events.iter().filter(|event| !matches!(event, Event::StepFinished { .. }));
    unplayed.for_each(|event| replay.on_event(event));
    replay.attach(&mut results);
    let reference = results.subtests[0].failures[0].reference.clone().unwrap();
    assert_eq!(reference.missing.as_deref(), Some("the reference did not reach this step"));
    assert!(html::render(&results).contains("the reference did not reach this step"));
}

#[test]
fn annotation_paths_are_relative_to_the_checkout() {
    let mut results = results();
    let here = Path::new("/home/ci/checkout/kit");
    let all = annotations(&results, Path::new("/home/ci/checkout"), here);
    assert_eq!(
        all,
        [
            "::error file=kit/scenarios/probe/keys/ST1.toml,line=10,title=keys/ST1 keys/F.1::an admin creates a key: the status is 500",
            "::error title=keys/ST4::Linux-C could not be prepared: `ztna login` showed no code",
        ]
    );
    results.subtests[0].checks[0].message = "50%\nof: it, all".to_owned();
    let escaped = annotations(&results, Path::new("/home/ci/checkout"), here);
    assert!(escaped[0].ends_with("::an admin creates a key: 50%25%0Aof: it, all"), "{}", escaped[0]);
    // A waived check before the failed one is not counted as an error.
    let mut waived = results.clone();
    let mut check = waived.subtests[0].checks[0].clone();
    check.verdict = CheckVerdict::Waived;
    check.message = "let through".to_owned();
    waived.subtests[0].checks.insert(0, check);
    assert_eq!(annotations(&waived, Path::new("/home/ci/checkout"), here)[0], escaped[0]);
    let failed = results.subtests[0].clone();
    results.subtests.extend(vec![failed; 20]);
    let bounded = annotations(&results, Path::new("/"), here);
    assert_eq!(bounded.len(), 10, "GitHub shows no more");
    assert!(bounded[9].contains("13 more"), "{}", bounded[9]);
}

#[test]
fn long_comment_is_truncated_with_a_note() {
    let mut results = results();
    let failed = results.subtests[0].clone();
    results.subtests.extend(vec![failed; 300]);
    for limit in [markdown::COMMENT_LIMIT, 8000, 600, 10] {
        let text = markdown::render(&results, limit);
        assert!(text.len() <= limit, "{} of {limit}", text.len());
        assert!(limit < 1000 || text.contains("omitted to stay below GitHub's size limit"), "{text}");
        assert!(limit < 1000 || text.matches("<details>").count() == text.matches("</details>").count());
    }
}
