use std::path::Path;
use std::sync::Arc;

use harness_model::event::SubtestVerdict;
use harness_model::plan::waiver::{JudgedCheck, Waivers};
use harness_model::scenario::model::{Scenario, Skip, Source};
use harness_model::scenario::{ScenarioPath, parse};

use super::*;
use crate::coverage::Scope;

const REGISTRY: &str = r#"
    [chapters]
    a = { suite = "s", title = "", document = "a.txt" }
    [[requirement]]
    id = "a/F.1"
    text = ""
    via = ["http"]
    level = "must"
    [[requirement]]
    id = "a/F.2"
    text = ""
    via = ["http"]
    level = "either"
    accepts = ["x"]
    [[requirement]]
    id = "ours/x.1"
    text = ""
    via = ["http"]
    level = "ours"
"#;

fn registry() -> Registry {
    Registry::load(REGISTRY, Path::new("r.toml")).unwrap()
}

/// A sub-test with one check of this statement.
fn scenario(stem: &str, statement: &str, needs: &[Capability]) -> Scenario {
    let text = format!(
        "title = \"a title\"\n[[step]]\nname = \"n\"\nget = \"/\"\ncheck = [{{ verifies = [\"{statement}\"], status = 200 }}]\n"
    );
    let source = Arc::new(Source::new(format!("{stem}.toml"), text));
    let path = ScenarioPath {
        suite: "s".to_owned(),
        chapter: "a".to_owned(),
        stem: stem.to_owned(),
        snapshots: format!("{stem}.snap").into(),
    };
    let mut scenario = parse(&source, &path, &registry()).scenario.unwrap();
    scenario.needs = needs.iter().copied().collect();
    scenario
}

/// A sub-test with these verdicts of its statement; skipped if there are none.
fn judged<'a>(
    scenario: &'a Scenario,
    statements: &'a [String],
    verdicts: &[CheckVerdict],
) -> SubtestSummary<'a> {
    let check = |verdict: &CheckVerdict| JudgedCheck {
        line: 1,
        statements,
        verdict: *verdict,
        message: "",
        unevaluated: None,
    };
    let is_skipped = verdicts.iter().all(|verdict| *verdict == CheckVerdict::Skip);
    SubtestSummary {
        scenario,
        verdict: Some(if is_skipped { SubtestVerdict::Skip } else { SubtestVerdict::Pass }),
        skip_reason: is_skipped.then_some("needs a second organisation"),
        checks: verdicts.iter().map(check).collect(),
        gap: None,
        not_run: None,
    }
}

fn levels_of(subtests: Vec<SubtestSummary<'_>>, declared: &[Capability], is_whole: bool) -> Vec<LevelResult> {
    let (capabilities, waivers) = (declared.iter().copied().collect(), Waivers::default());
    let summary = RunSummary {
        subtests,
        capabilities: &capabilities,
        is_reference: false,
        scope: Scope::Whole,
        is_shard: false,
        waivers: &waivers,
        unselected: &[],
    };
    levels(&summary, &registry(), is_whole)
}

#[test]
fn a_level_is_claimed_only_if_all_of_it_was_judged_and_passed() {
    use CheckVerdict::{Error, Fail, Pass, Skip, Waived};
    let (first, second) = (["a/F.1".to_owned()], ["a/F.2".to_owned()]);
    let [one, two] = [scenario("ST1", "a/F.1", &[]), scenario("ST2", "a/F.2", &[Capability::Organisations])];
    for (verdicts, state, reason) in [
        (&[Pass][..], LevelState::Claimed, None),
        (&[Pass, Skip], LevelState::Claimed, None),
        // An undocumented endpoint that the target lacks: the documents do not make it judgeable.
        (&[Skip], LevelState::Claimed, None),
        (&[Fail], LevelState::Violated, Some("1 statement is violated")),
        (&[Pass, Waived], LevelState::Violated, Some("1 statement is violated")),
        (&[Pass, Error], LevelState::Incomplete, Some("1 statement is not verified")),
        (&[], LevelState::Incomplete, Some("1 statement is not verified (needs a second organisation)")),
    ] {
        let subtests = vec![judged(&one, &first, &[Pass]), judged(&two, &second, verdicts)];
        let core = levels_of(subtests, &[], true).remove(0);
        assert_eq!(
            (core.level.as_str(), core.state, core.reason.as_deref()),
            ("core", state, reason),
            "{verdicts:?}"
        );
    }
}

#[test]
fn checks_without_a_verdict_leave_their_statements_open() {
    use CheckVerdict::{Fail, Pass, Skip};
    let (first, second) = (["a/F.1".to_owned()], ["a/F.2".to_owned()]);
    let one = scenario("ST1", "a/F.1", &[]);
    let mut two = scenario("ST2", "a/F.2", &[]);
    two.steps.push(two.steps[0].clone());
    let open = (LevelState::Incomplete, Some("1 statement is not verified"));
    for (verdict, verdicts, expected) in [
        // Interrupted before it started, or a machine could not be prepared.
        (SubtestVerdict::Error, &[][..], open),
        // Interrupted between its steps.
        (SubtestVerdict::Error, &[Pass], open),
        // It timed out after a failure.
        (SubtestVerdict::Fail, &[Fail], (LevelState::Violated, Some("1 statement is violated"))),
        (SubtestVerdict::Pass, &[Pass, Pass], (LevelState::Claimed, None)),
        (SubtestVerdict::Pass, &[Pass, Skip], (LevelState::Claimed, None)),
    ] {
        let of_two =
            SubtestSummary { verdict: Some(verdict), skip_reason: None, ..judged(&two, &second, verdicts) };
        let core = levels_of(vec![judged(&one, &first, &[Pass]), of_two], &[], true).remove(0);
        assert_eq!((core.state, core.reason.as_deref()), expected, "{verdict:?} {verdicts:?}");
        assert_eq!(core.statements, 2, "{verdict:?} {verdicts:?}");
    }
}

#[test]
fn sub_tests_count_for_each_level_whose_capability_is_declared() {
    use CheckVerdict::{Fail, Pass};
    let statements = ["a/F.1".to_owned()];
    let core = scenario("ST1", "a/F.1", &[]);
    let agent = scenario("ST2", "a/F.1", &[Capability::Agent]);
    let both = scenario("ST3", "a/F.1", &[Capability::Agent, Capability::Clock]);
    let tun = scenario("ST4", "a/F.1", &[Capability::Agent, Capability::Tun]);
    let subtests = |of_both: &[CheckVerdict]| {
        vec![
            judged(&core, &statements, &[Pass]),
            judged(&agent, &statements, &[Pass]),
            judged(&both, &statements, of_both),
            judged(&tun, &statements, &[]),
        ]
    };
    let claimed_by = |declared: &[Capability], of_both: &[CheckVerdict]| {
        let levels = levels_of(subtests(of_both), declared, true);
        claimed(&levels).join(" ")
    };
    assert_eq!(claimed_by(&[], &[]), "core");
    assert_eq!(claimed_by(&[Capability::Agent], &[]), "core agent");
    assert_eq!(claimed_by(&[Capability::Agent, Capability::Clock], &[Pass]), "core agent clock");
    assert_eq!(claimed_by(&[Capability::Agent, Capability::Clock], &[]), "core");
    // The statement is violated, wherever that was seen.
    assert_eq!(claimed_by(&[Capability::Agent, Capability::Clock], &[Fail]), "");
}

#[test]
fn waits_belong_to_core_if_they_are_short_and_to_the_clock_where_there_is_one() {
    use CheckVerdict::Pass;
    let statements = ["a/F.1".to_owned()];
    let waiting = |seconds| {
        let mut waiting = scenario("ST2", "a/F.1", &[]);
        waiting.waits = Some(std::time::Duration::from_secs(seconds));
        waiting
    };
    let core = scenario("ST1", "a/F.1", &[]);
    let claimed_by = |seconds, of_waiting: &[CheckVerdict], declared: &[Capability]| {
        let waiting = waiting(seconds);
        let subtests = vec![judged(&core, &statements, &[Pass]), judged(&waiting, &statements, of_waiting)];
        claimed(&levels_of(subtests, declared, true)).join(" ")
    };
    assert_eq!(claimed_by(61, &[Pass], &[]), "core");
    assert_eq!(claimed_by(61, &[], &[]), "", "left out by --no-waits");
    assert_eq!(claimed_by(61, &[Pass], &[Capability::Clock]), "core clock");
    // A target without a clock need not be waited for so long.
    assert_eq!(claimed_by(2700, &[], &[]), "core");
    assert_eq!(claimed_by(2700, &[Pass], &[]), "core");
    assert_eq!(claimed_by(2700, &[], &[Capability::Clock]), "core");
    assert_eq!(claimed_by(2700, &[Pass], &[Capability::Clock]), "core clock");
}

#[test]
fn parts_and_what_the_kit_cannot_judge_claim_nothing() {
    let statements = ["a/F.1".to_owned()];
    let core = scenario("ST1", "a/F.1", &[]);
    let mut pages = scenario("ST2", "a/F.1", &[Capability::Dashboard]);
    pages.skip = Some(Skip { reason: "needs a browser".to_owned(), statements: statements.to_vec() });
    let subtests =
        || vec![judged(&core, &statements, &[CheckVerdict::Pass]), judged(&pages, &statements, &[])];
    let part = levels_of(subtests(), &[Capability::Dashboard], false);
    assert_eq!((claimed(&part).len(), sentence(&part)), (0, None));
    let whole = levels_of(subtests(), &[Capability::Dashboard], true);
    assert_eq!(
        sentence(&whole).as_deref(),
        Some(
            "core claimed; agent, clock, wire, rollout, terraform: not declared; dashboard: needs a second organisation"
        )
    );
}
