use std::path::Path;
use std::sync::Arc;

use time::Date;
use time::macros::date;

use super::*;
use crate::check::outcome::CheckVerdict;
use crate::plan::tests::scenario;
use crate::requirement::Registry;
use crate::scenario::model::{Scenario, Source};
use crate::scenario::{ScenarioPath, parse};

const TODAY: Date = date!(2026 - 11 - 22);

const REGISTRY: &str = r#"
    [chapters]
    c = { suite = "keys", title = "", document = "" }
    [[requirement]]
    id = "c/F.1"
    text = ""
    via = ["http"]
    level = "must"
    [[requirement]]
    id = "c/F.2"
    text = ""
    via = ["http"]
    level = "must"
"#;

const SUBTEST: &str = r#"title = "t"
[[step]]
name = "the first ${x}"
rows = [{ x = 1 }]
get = "/"
check = [
  { verifies = "c/F.1", status = 200 },
  { verifies = ["c/F.1", "c/F.2"],
    status = 200 },
]
[[step]]
name = "the second"
get = "/"
check = [{ verifies = "c/F.2", status = 200 }]
"#;

fn registry() -> Registry {
    Registry::load(REGISTRY, Path::new("r.toml")).unwrap()
}

fn subtest() -> Scenario {
    let source = Arc::new(Source::new("c/ST1.toml", SUBTEST));
    let path = ScenarioPath {
        suite: "keys".to_owned(),
        chapter: "c".to_owned(),
        stem: "ST1".to_owned(),
        snapshots: "x".into(),
    };
    let parsed = parse(&source, &path, &registry());
    parsed.scenario.unwrap_or_else(|| panic!("{:#?}", parsed.diagnostics))
}

fn read(text: &str) -> Result<Waivers, Vec<String>> {
    let source = Source::new("waivers.toml", text);
    let found = Waivers::read(&source, &registry(), [&subtest()], TODAY);
    found.map_err(|diagnostics| {
        let messages = diagnostics.into_iter().map(|diagnostic| {
            assert!(diagnostic.span.is_some(), "no span: {diagnostic:?}");
            format!("{}: {}", diagnostic.message, diagnostic.help.unwrap_or_default())
        });
        messages.collect()
    })
}

fn waiver(of: &str, expires: &str) -> String {
    format!("[[waiver]]\n{of}\nreason = \"known\"\nowner = \"ada\"\nexpires = {expires}\n")
}

fn waivers(of: &[&str]) -> Waivers {
    let text: String = of.iter().map(|of| waiver(of, "2026-11-22")).collect();
    read(&text).unwrap()
}

#[test]
fn all_errors_are_reported_together_with_help() {
    let text = [
        waiver("statement = \"c/F.3\"", "2026-12-31"),
        waiver("check = \"c/ST1:9999\"", "2026-12-31"),
        waiver("check = \"c/ST2:7\"", "2026-12-31"),
        waiver("check = \"c/ST1/the secnd\"", "2026-12-31"),
        waiver("check = \"ST1\"", "2026-12-31"),
        waiver("statement = \"c/F.1\"\ncheck = \"c/ST1:7\"", "2026-12-31"),
        waiver("", "2026-12-31"),
        waiver("statement = \"c/F.1\"", "\"2026-12-31\""),
        waiver("statement = \"c/F.1\"", "2026-12-31T10:00:00Z"),
        "[[waiver]]\nstatement = \"c/F.1\"\nreason = \" \"\nowenr = \"ada\"\n".to_owned(),
        waiver("statement = \"c/F.2\"", "2026-12-31"),
        waiver("statement = \"c/F.2\"", "2027-12-31"),
    ];
    assert_eq!(
        read(&text.concat()).unwrap_err(),
        [
            "unknown statement `c/F.3`: did you mean `c/F.1`?",
            "c/ST1 has no check on line 9999: its checks are on the lines 7, 8, 14",
            "unknown sub-test `c/ST2`: did you mean `c/ST1`?",
            "c/ST1 has no step \"the secnd\": did you mean `the second`?",
            "invalid check `ST1`: write SUBTEST:LINE or SUBTEST/STEP NAME, such as used-count/ST4:31",
            "`statement` and `check` cannot be combined: write a separate [[waiver]] for the check",
            "missing key `statement` or `check` in a waiver: add one of them, such as statement = \"used-count/ST4.2\"",
            "`expires` must be a date: write a date without quotes, such as expires = 2026-12-31",
            "`expires` must be a date: write a date without quotes, such as expires = 2026-12-31",
            "missing key `owner` in a waiver: ",
            "missing key `expires` in a waiver: ",
            "`reason` is empty: it is shown in reports: ",
            "unknown key `owenr` in a waiver: did you mean `owner`?",
            "duplicate waiver: the first is at waivers.toml:51",
        ]
    );
    assert_eq!(
        read("waivers = 1\n").unwrap_err(),
        ["unknown key `waivers` in a waiver file: did you mean `waiver`?"]
    );
    assert_eq!(read("").unwrap(), Waivers::default());
}

#[test]
fn failure_is_waived_by_its_check_or_by_all_its_statements() {
    let scenario = subtest();
    let (one, both) = (["c/F.1".to_owned()], ["c/F.1".to_owned(), "c/F.2".to_owned()]);
    type Case<'a> = (&'a [&'a str], &'a [String], usize, Option<&'a str>);
    let cases: [Case<'_>; 11] = [
        (&[], &one, 7, None),
        (&["statement = \"c/F.1\""], &one, 7, Some("c/F.1")),
        (&["statement = \"c/F.1\""], &both, 8, None),
        (&["statement = \"c/F.1\"", "statement = \"c/F.2\""], &both, 8, Some("c/F.1")),
        (&["statement = \"c/F.1\""], &[], 3, None),
        (&["check = \"c/ST1:8\""], &both, 9, Some("c/ST1:8")),
        (&["check = \"c/ST1:9\""], &both, 8, Some("c/ST1:9")),
        (&["check = \"c/ST1:8\""], &one, 7, None),
        (&["check = \"c/ST1/the first ${x}\""], &one, 7, Some("c/ST1/the first ${x}")),
        (&["check = \"c/ST1/the first ${x}\""], &[], 2, Some("c/ST1/the first ${x}")),
        (&["check = \"c/ST1/the first ${x}\""], &one, 14, None),
    ];
    for (of, statements, at, by) in cases {
        let waivers = waivers(of);
        let found = waivers.letting_through(&scenario, statements, at);
        let found = found.map(|waiver| waiver.applied(WaiverState::Used));
        assert_eq!(found.as_ref().map(AppliedWaiver::covers), by, "{of:?} {statements:?} {at}");
    }
    let expired = read(&waiver("statement = \"c/F.1\"", "2026-11-21")).unwrap();
    assert_eq!(expired.letting_through(&scenario, &one, 7), None);
    let other = crate::plan::tests::scenario("keys", "c/ST2", "t", &[]);
    assert_eq!(waivers(&["check = \"c/ST1:7\""]).letting_through(&other, &one, 7), None);
}

#[test]
fn waiver_state_depends_on_the_judged_checks() {
    use CheckVerdict::{Error, Fail, Pass, Skip, Waived};
    let (first, second) = (subtest(), scenario("keys", "c/ST2", "t", &[]));
    let id = ["c/F.1".to_owned()];
    let state = |expires: &str, checks: &[CheckVerdict], other: Extent| {
        let waivers = read(&waiver("statement = \"c/F.1\"", expires)).unwrap();
        let checks = checks
            .iter()
            .map(|verdict| JudgedCheck {
                line: 7,
                statements: &id,
                verdict: *verdict,
                message: "",
                unevaluated: None,
            })
            .collect();
        let seen = [
            JudgedSubtest { scenario: &first, extent: Extent::Complete, checks },
            JudgedSubtest { scenario: &second, extent: other, checks: Vec::new() },
        ];
        let applied = waivers.states(&seen);
        let restored = Waivers::restore(&applied, TODAY).unwrap();
        assert_eq!(restored, waivers);
        applied[0].state
    };
    let (good, over) = ("2026-11-22", "2026-11-21");
    let cases: [(&str, &[CheckVerdict], Extent, WaiverState); 10] = [
        (good, &[Waived], Extent::Complete, WaiverState::Used),
        (good, &[Pass, Waived], Extent::Incomplete, WaiverState::Used),
        (good, &[Fail], Extent::Complete, WaiverState::Used),
        (good, &[Pass], Extent::Complete, WaiverState::Unneeded),
        (good, &[Pass], Extent::Impossible, WaiverState::Unneeded),
        (good, &[Pass], Extent::Incomplete, WaiverState::NotJudged),
        (good, &[Pass, Error], Extent::Complete, WaiverState::NotJudged),
        (good, &[Skip], Extent::Impossible, WaiverState::NotJudged),
        (over, &[Fail], Extent::Incomplete, WaiverState::Expired),
        (over, &[], Extent::Complete, WaiverState::NotJudged),
    ];
    for (expires, checks, other, wanted) in cases {
        assert_eq!(state(expires, checks, other), wanted, "{expires} {checks:?} {other:?}");
    }
}
