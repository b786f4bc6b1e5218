use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::scenario::model::{Action, Authorisation, Capability, Identity};
use crate::scenario::{ScenarioPath, model::Source, parse};

/// Returns a sub-test with one step that judges these statements and `c/F.1`.
pub(crate) fn scenario(suite: &str, id: &str, title: &str, statements: &[&str]) -> Scenario {
    let (chapter, stem) = id.split_once('/').unwrap();
    let mut ids = statements.to_vec();
    ids.push("c/F.1");
    let text = format!(
        "title = \"{title}\"\n[[step]]\nname = \"n\"\nget = \"/\"\ncheck = [{{ verifies = {ids:?}, status = 200 }}]\n"
    );
    let source = Arc::new(Source::new(format!("{id}.toml"), text));
    let place = ScenarioPath {
        suite: suite.to_owned(),
        chapter: chapter.to_owned(),
        stem: stem.to_owned(),
        snapshots: format!("{id}.snap").into(),
    };
    let mut registry = "[chapters]\n".to_owned();
    let mut chapters: Vec<&str> = ids.iter().filter_map(|id| id.split('/').next()).chain([chapter]).collect();
    chapters.sort_unstable();
    chapters.dedup();
    for chapter in chapters {
        registry.push_str(&format!("{chapter} = {{ suite = \"{suite}\", title = \"\", document = \"\" }}\n"));
    }
    for id in ids {
        let level = if id.starts_with("ours/") { "ours" } else { "must" };
        registry.push_str(&format!(
            "[[requirement]]\nid = \"{id}\"\ntext = \"\"\nvia = [\"http\"]\nlevel = \"{level}\"\n"
        ));
    }
    let registry = Registry::load(&registry, Path::new("r.toml")).unwrap();
    let parsed = parse(&source, &place, &registry);
    parsed.scenario.unwrap_or_else(|| panic!("{:#?}", parsed.diagnostics))
}

const REGISTRY: &str = r#"
    [chapters]
    c = { suite = "keys", title = "", document = "" }
    d = { suite = "empty", title = "", document = "" }
    [[requirement]]
    id = "c/F.1"
    text = ""
    via = ["http"]
    level = "must"
    [[requirement]]
    id = "ours/x.1"
    text = ""
    via = ["http"]
    level = "ours"
"#;

fn registry() -> Registry {
    Registry::load(REGISTRY, Path::new("r.toml")).unwrap()
}

fn many(count: usize) -> Vec<Arc<Scenario>> {
    (1..=count).map(|n| Arc::new(scenario("keys", &format!("c/ST{n}"), "t", &[]))).collect()
}

fn target(capabilities: &[Capability], is_reference: bool) -> TargetFacts {
    TargetFacts {
        name: "acme".to_owned(),
        capabilities: capabilities.iter().copied().collect(),
        lacking: BTreeMap::from([(Capability::Tun, "a TUN device, which requires root".to_owned())]),
        is_reference,
        missing_sessions: Default::default(),
        absent: Default::default(),
        refusal: Default::default(),
    }
}

fn ids(plan: &Plan) -> Vec<String> {
    plan.subtests.iter().map(|subtest| subtest.scenario.id.clone()).collect()
}

#[test]
fn subtests_with_unmet_needs_are_skipped() {
    let mut needy = scenario("keys", "c/ST1", "t", &[]);
    needy.needs = [Capability::Clock, Capability::Dashboard].into();
    let mut waiting = scenario("keys", "c/ST2", "t", &[]);
    waiting.skip =
        Some(crate::scenario::model::Skip { reason: "comes later".to_owned(), statements: vec![] });
    let mut ours = scenario("keys", "c/ST3", "t", &[]);
    ours.steps[0].checks[0].verifies = vec!["ours/x.1".to_owned()];
    let mut tun = scenario("keys", "c/ST4", "t", &[]);
    tun.needs = [Capability::Tun].into();
    let scenarios = [needy, waiting, ours, tun].map(Arc::new);
    let of = |target: &TargetFacts| -> Vec<Disposition> {
        let plan = plan(&scenarios, &registry(), &Selection::default(), target).unwrap();
        plan.subtests.into_iter().map(|subtest| subtest.disposition).collect()
    };
    let skip = |reason: &str| Disposition::Skip(reason.to_owned());
    assert_eq!(
        of(&target(&[], false)),
        [
            skip("needs a clock that can be advanced and the dashboard, which acme does not declare"),
            skip("comes later"),
            skip("judges only choices of the reference, and acme is another implementation"),
            skip("needs a TUN device, which requires root"),
        ]
    );
    assert_eq!(
        of(&target(&[Capability::Clock, Capability::Dashboard, Capability::Tun], true)),
        [Disposition::Run, skip("comes later"), Disposition::Run, Disposition::Run]
    );
}

#[test]
fn subtests_wait_only_as_long_as_asked_and_only_without_a_clock() {
    let waiting = |id: &str, seconds: u64| {
        let mut waiting = scenario("keys", id, "t", &[]);
        waiting.waits = Some(Duration::from_secs(seconds));
        Arc::new(waiting)
    };
    let scenarios = [waiting("c/ST1", 61), waiting("c/ST2", 315), waiting("c/ST3", 2700)];
    let plan = |waits, capabilities: &[Capability]| {
        let selection = Selection { waits, ..Selection::default() };
        plan(&scenarios, &registry(), &selection, &target(capabilities, false)).unwrap()
    };
    let skips = |waits| -> Vec<Option<String>> {
        let subtests = plan(waits, &[]).subtests.into_iter();
        let reason = |disposition| match disposition {
            Disposition::Skip(reason) => Some(reason),
            Disposition::Run => None,
        };
        subtests.map(|planned| reason(planned.disposition)).collect()
    };
    let skip = |wait: &str| {
        Some(format!("needs a clock that can be advanced, which acme does not declare, or a wait of {wait}"))
    };
    let left_out = |wait: &str| skip(&format!("{wait}, left out by --no-waits"));
    assert_eq!(skips(Waits::Never), [left_out("1m 1s"), left_out("5m 15s"), left_out("45m")]);
    assert_eq!(skips(Waits::Short), [None, None, skip("45m, only done with --long-waits")]);
    assert_eq!(skips(Waits::Long), [None, None, None]);
    let seconds = |plan: Plan| {
        let Waiting { subtests, total, longest } = plan.waiting()?;
        Some((subtests, total.as_secs(), longest.as_secs()))
    };
    assert_eq!(seconds(plan(Waits::Short, &[])), Some((2, 376, 315)));
    assert_eq!(seconds(plan(Waits::Long, &[])), Some((3, 3076, 2700)));
    assert_eq!(seconds(plan(Waits::Never, &[])), None);
    // With a clock, all run and none waits.
    let with_clock = plan(Waits::Never, &[Capability::Clock]);
    assert!(with_clock.subtests.iter().all(|planned| planned.disposition == Disposition::Run));
    assert_eq!(seconds(with_clock), None);
}

#[test]
fn subtests_that_need_a_missing_session_are_skipped() {
    let acting = |id: &str, identity: Identity, statement: &str| {
        let mut acting = scenario("keys", id, "t", &[]);
        let step = &mut acting.steps[0];
        let Action::Http(request) = &mut step.action else { panic!("not HTTP") };
        request.authorisation = Authorisation::Identity(identity);
        step.checks[0].verifies = vec![statement.to_owned()];
        acting
    };
    let mut both = acting("c/ST1", Identity::Owner, "c/F.1");
    both.variables.insert("token.member".to_owned());
    let mut outsider = acting("c/ST4", Identity::Outsider, "c/F.1");
    outsider.needs.insert(Capability::Organisations);
    let mut prepared = acting("c/ST5", Identity::Admin, "c/F.1");
    prepared.steps.push(acting("c/ST6", Identity::Owner, "ours/x.1").steps[0].clone());
    let admin = acting("c/ST2", Identity::Admin, "c/F.1");
    let owner = acting("c/ST3", Identity::Owner, "c/F.1");
    let scenarios = [both, admin, owner, outsider, prepared].map(Arc::new);
    let of = |missing: &[Identity]| -> Vec<Disposition> {
        let facts = TargetFacts { missing_sessions: missing.iter().copied().collect(), ..target(&[], false) };
        let plan = plan(&scenarios, &registry(), &Selection::default(), &facts).unwrap();
        plan.subtests.into_iter().map(|subtest| subtest.disposition).collect()
    };
    let skip = |reason: &str| Disposition::Skip(reason.to_owned());
    let organisations = "needs a second organisation, which acme does not declare";
    assert_eq!(
        of(&[Identity::Owner, Identity::Member, Identity::Outsider]),
        [
            skip("needs sessions of `owner` and `member`, which acme lacks"),
            Disposition::Run,
            skip("needs a session of `owner`, which acme lacks"),
            skip(&format!("{organisations}; needs a session of `outsider`, which acme lacks")),
            // The step as the owner judges a choice of the reference, and is not carried out here.
            Disposition::Run,
        ]
    );
    assert_eq!(of(&[])[2], Disposition::Run);
}

#[test]
fn subtest_with_a_documented_statement_runs_on_any_target() {
    let mut mixed = scenario("keys", "c/ST1", "t", &[]);
    let mut choice = mixed.steps[0].checks[0].clone();
    choice.verifies = vec!["ours/x.1".to_owned()];
    mixed.steps[0].checks.push(choice);
    let mut silent = scenario("keys", "c/ST2", "t", &[]);
    silent.steps[0].checks.clear();
    let planned =
        plan(&[mixed, silent].map(Arc::new), &registry(), &Selection::default(), &target(&[], false));
    for subtest in planned.unwrap().subtests {
        assert_eq!(subtest.disposition, Disposition::Run, "{}", subtest.scenario.id);
    }
}

#[test]
fn empty_shard_is_reported() {
    let scenarios = many(1);
    let mut parts = (1..=9).map(|index| format!("{index}/9").parse::<Shard>().unwrap());
    let shard = parts.find(|shard| !shard.holds("c/ST1"));
    for filter in [None, Some("ST1")] {
        let filter = filter.map(|filter| Filter::parse(filter).unwrap());
        let selection = Selection { shard, filter, ..Selection::default() };
        let error = plan(&scenarios, &registry(), &selection, &target(&[], true)).unwrap_err().to_string();
        assert!(error.contains("contains none of the 1 selected sub-tests"), "{error}");
    }
}

#[test]
fn empty_selections_are_explained() {
    let scenarios = many(3);
    let message = |suites: &[&str], filter: Option<&str>| {
        let selection = Selection {
            suites: suites.iter().map(|suite| (*suite).to_owned()).collect(),
            filter: filter.map(|filter| Filter::parse(filter).unwrap()),
            ..Selection::default()
        };
        plan(&scenarios, &registry(), &selection, &target(&[], true)).unwrap_err()
    };
    let unknown = message(&["kyes"], None);
    assert!(matches!(unknown, PlanError::UnknownSuite { .. }));
    assert_eq!(unknown.to_string(), "unknown suite `kyes`\ndid you mean `keys`? available: keys, empty");
    assert!(
        matches!(message(&["empty"], None), PlanError::NothingSelected(text) if text.contains("no sub-tests in suite empty"))
    );
    assert!(
        matches!(message(&[], Some("ST9")), PlanError::NothingSelected(text) if text.contains("`ST9` matches none of the 3"))
    );
}

#[test]
fn new_subtests_do_not_move_others_between_shards() {
    let shard_of = |scenarios: &[Arc<Scenario>]| -> BTreeMap<String, u32> {
        let mut parts = BTreeMap::new();
        for index in 1..=3 {
            let shard = Some(format!("{index}/3").parse().unwrap());
            let selection = Selection { shard, ..Selection::default() };
            let plan = plan(scenarios, &registry(), &selection, &target(&[], true)).unwrap();
            parts.extend(ids(&plan).into_iter().map(|id| (id, index)));
        }
        parts
    };
    let (few, more) = (shard_of(&many(30)), shard_of(&many(40)));
    assert_eq!(few.len(), 30);
    assert!(few.iter().all(|(id, part)| more[id] == *part));
}
