//! The closing lines of the terminal, in windows of any width.

use std::path::PathBuf;

use harness_model::event::SubtestVerdict;
use harness_report::exit_code::ExitCode;
use harness_report::gap::{Gap, GapKind};
use harness_report::results::Results;
use harness_report::terminal::{Detail, ProcessEnd, TerminalOptions, summary};

use super::formats::results;

/// A run in which everything that can be told is told, many times.
fn eventful() -> Results {
    let mut results = results();
    let skipped =
        results.subtests.iter().find(|subtest| subtest.verdict == SubtestVerdict::Skip).unwrap().clone();
    for number in 0..30 {
        let mut subtest = skipped.clone();
        subtest.id = format!("keys/ST{}", 100 + number);
        subtest.suite = ["probe", "machine-registration", "api-keys"][number % 3].to_owned();
        subtest.reason =
            Some(format!("needs the capability number {number}, which this target does not declare"));
        results.subtests.push(subtest);
        results.regressions.push(format!("newly failing: keys/ST{number}"));
    }
    results.gaps = vec![Gap::of_subtest("keys/ST1", GapKind::Unfinished); 12];
    results.leftovers = vec!["auth key of run abc: DELETE answered 500".to_owned(); 40];
    results.retries = 3;
    results
}

fn closing(results: &Results, width: Option<usize>, color: bool) -> Vec<String> {
    let options = TerminalOptions { color, width, live: false, detail: Detail::Usual };
    let reports =
        ["results.json", "report.html", "junit.xml"].map(|file| PathBuf::from("reports/x").join(file));
    let end = ProcessEnd { reports: &reports, exit_code: ExitCode::NonConformant, command: "harness" };
    let text = summary(results, options, end);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let begin = lines.iter().rposition(String::is_empty).map_or(0, |blank| blank + 1);
    lines[begin..].to_vec()
}

#[test]
fn closing_has_at_most_fifteen_lines_at_any_width() {
    for (name, results) in [("usual", results()), ("eventful", eventful())] {
        for width in [Some(200), Some(80), Some(60), Some(40), None] {
            let lines = closing(&results, width, false);
            let text = lines.join("\n");
            assert!(lines.len() <= 15, "{name} {width:?}: {} lines\n{text}", lines.len());
            let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
            assert!(longest <= width.unwrap_or(usize::MAX), "{name} {width:?}: {longest} columns\n{text}");
            assert!(
                lines[0].starts_with("suite ") && lines[0].ends_with("verified"),
                "{name} {width:?}\n{text}"
            );
            assert!(text.contains("verdict: not conformant"), "{name} {width:?}\n{text}");
            assert!(text.contains("results.json"), "{name} {width:?}\n{text}");
            assert!(!text.contains('\u{1b}'));
        }
    }
    insta::assert_snapshot!("closing_40", closing(&eventful(), Some(40), false).join("\n"));
    insta::assert_snapshot!("closing_80", closing(&eventful(), Some(80), false).join("\n"));
}

#[test]
fn a_pass_with_waivers_is_not_green() {
    const GREEN: &str = "\u{1b}[32m";
    let mut passed = results();
    passed.verdict = harness_report::exit_code::Verdict::Passed;
    let shown = |results: &Results, exit_code| {
        let options = TerminalOptions { color: true, width: Some(80), live: false, detail: Detail::Usual };
        summary(results, options, ProcessEnd { reports: &[], exit_code, command: "harness" })
    };
    assert!(shown(&passed, ExitCode::Conformant).contains(GREEN));
    passed.extent.waivers = 2;
    let waived = shown(&passed, ExitCode::Conformant);
    assert!(!waived.contains(GREEN) && waived.contains("with 2 waivers"), "{waived}");
    assert!(!harness_report::badge::render(&passed).contains("green"));
}

#[test]
fn reports_in_the_folder_of_the_call_are_named_without_one() {
    let reports = ["results.json", "report.html"].map(PathBuf::from);
    let options = TerminalOptions { color: false, width: Some(80), live: false, detail: Detail::Usual };
    let end = ProcessEnd { reports: &reports, exit_code: ExitCode::NonConformant, command: "harness" };
    let text = summary(&results(), options, end);
    assert!(text.contains("reports written: results.json, report.html"), "{text}");
}
