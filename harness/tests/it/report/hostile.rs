//! Responses crafted to break out of a report.

use std::path::Path;

use harness_model::check::header::Header;
use harness_report::annotation::annotations;
use harness_report::results::Results;
use harness_report::{html, junit, markdown, tap};

use super::formats::results;

const HOSTILE: &str = "</pre></details><script>alert(1)</script><img src=x onerror=alert(1)>\" onload=\"x\n```\n````\n\
    @everyone ![x](http://evil/x.png) | ]]> \u{1b}[31m\u{0}\n  ...\nok 99 - forged # SKIP\nBail out!\n::error::forged";

fn hostile() -> Results {
    let mut results = results();
    results.target.name = HOSTILE.to_owned();
    for subtest in &mut results.subtests {
        subtest.reason = Some(HOSTILE.to_owned());
        subtest.leftovers = vec![HOSTILE.to_owned()];
        for check in &mut subtest.checks {
            check.message = HOSTILE.to_owned();
            check.expected = HOSTILE.to_owned();
            check.actual = HOSTILE.to_owned();
            check.notes = vec![HOSTILE.to_owned()];
        }
        for step in &mut subtest.failures {
            step.name = HOSTILE.to_owned();
            step.repeat = Some(HOSTILE.to_owned());
            for exchange in &mut step.exchanges {
                exchange.url = HOSTILE.to_owned();
                exchange.body = HOSTILE.to_owned();
                exchange.headers = vec![Header::new("content-type", HOSTILE)];
            }
        }
    }
    results
}

#[test]
fn html_page_runs_only_its_own_script() {
    let page = html::render(&hostile());
    assert_eq!(page.matches("<script").count(), 1);
    assert!(!page.contains("<img") && !page.contains("\" onload"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "it is shown as text");
}

#[test]
fn html_page_loads_nothing() {
    let page = html::render(&results());
    let policy = page.split("Content-Security-Policy\" content=\"").nth(1).unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy:.80}");
    for loading in [" src=", "@import", "url(", "<link", "<iframe", "fetch(", "XMLHttpRequest", "style=\""] {
        assert!(!page.contains(loading), "{loading}");
    }
}

#[test]
fn markdown_is_fenced_or_escaped() {
    let text = markdown::render(&hostile(), markdown::SUMMARY_LIMIT);
    let mut fence: Option<usize> = None;
    let mut outside = String::new();
    for line in text.lines() {
        let ticks = line.chars().take_while(|letter| *letter == '`').count();
        fence = match fence {
            None if ticks >= 3 => Some(ticks),
            Some(open) if ticks >= open && line.chars().all(|letter| letter == '`') => None,
            unchanged => {
                if unchanged.is_none() {
                    outside.push_str(line);
                    outside.push('\n');
                }
                unchanged
            }
        };
    }
    assert_eq!(fence, None, "every fence is closed");
    for forged in ["<script", "<img", "@everyone", "![x]"] {
        assert!(!outside.contains(forged), "{forged} in {outside}");
    }
}

#[test]
fn tap_and_annotations_cannot_be_forged() {
    let results = hostile();
    let text = tap::render(&results);
    let points = text.lines().filter(|line| line.starts_with("ok ") || line.starts_with("not ok "));
    assert_eq!(points.count(), results.subtests.len(), "{text}");
    assert!(!text.lines().any(|line| line.starts_with("Bail out!") || line.starts_with("::")), "{text}");
    for annotation in annotations(&results, Path::new("/"), Path::new("/")) {
        assert_eq!(annotation.lines().count(), 1, "{annotation}");
    }
}

#[test]
fn junit_stays_well_formed() {
    let xml = junit::render(&hostile()).unwrap();
    let report = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    assert_eq!(report.tests, 4, "{xml}");
}
