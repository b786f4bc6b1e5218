//! Which sub-tests run, which are skipped, and why.

pub mod filter;
mod order;
mod selection;
pub mod waiver;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::requirement::{Level, Registry};
use crate::scenario::model::{Capability, Scenario};
use crate::source::spelling;

pub use filter::{Filter, FilterError};
pub use order::fingerprint;
pub use selection::{Selection, Shard};
use waiver::Waivers;

/// What a run will do.
///
/// Each sub-test is in it once, however often it runs. Its runs are numbered through: `n` sub-tests have the runs
/// `0..n` the first time, `n..2n` the second.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The selected sub-tests, in the order in which they are reported.
    pub subtests: Vec<PlannedSubtest>,
    /// What was asked for.
    pub selection: Selection,
    /// Sub-tests that waivers concern and that are not selected.
    pub elsewhere: Vec<Arc<Scenario>>,
    /// What tells the scenarios from others.
    pub fingerprint: String,
}

/// One sub-test of a plan.
#[derive(Debug, Clone)]
pub struct PlannedSubtest {
    /// What it does.
    pub scenario: Arc<Scenario>,
    /// Whether it runs.
    pub disposition: Disposition,
    /// Whether checks on `ours` statements are judged (the target is the reference).
    pub judges_ours: bool,
    /// Failures that are let through.
    pub waivers: Arc<Waivers>,
}

/// Whether a sub-test runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// It runs.
    Run,
    /// It does not, for this reason.
    Skip(String),
}

/// What the plan has to know about the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFacts {
    /// Its name in reasons.
    pub name: String,
    /// What it declares to be able to do.
    pub capabilities: BTreeSet<Capability>,
    /// What the kit's own surroundings keep it from, with the reason.
    pub lacking: BTreeMap<Capability, String>,
    /// Whether it is the reference, so that `ours` statements are judged.
    pub is_reference: bool,
}

/// Nothing can be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A suite that the kit does not have: a usage error (exit 2).
    #[error("there is no suite `{name}`{hint}; there are: {known}")]
    UnknownSuite {
        /// As it was given.
        name: String,
        /// `, did you mean …?`, or nothing.
        hint: String,
        /// All there are.
        known: String,
    },
    /// No sub-test is selected (exit 4).
    #[error("{0}")]
    NothingSelected(String),
}

/// Decides what runs on this target.
///
/// # Errors
/// A suite does not exist, or nothing is selected.
pub fn plan(
    scenarios: &[Arc<Scenario>],
    registry: &Registry,
    selection: &Selection,
    target: &TargetFacts,
) -> Result<Plan, PlanError> {
    let suites = known_suites(scenarios, registry);
    for name in &selection.suites {
        if !suites.contains(&name.as_str()) {
            let near = spelling::nearest(name, suites.iter().copied());
            return Err(PlanError::UnknownSuite {
                name: name.clone(),
                hint: near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default(),
                known: suites.join(", "),
            });
        }
    }
    let mut selected: Vec<&Arc<Scenario>> = scenarios
        .iter()
        .filter(|scenario| selection.suites.is_empty() || selection.suites.contains(&scenario.suite))
        .collect();
    let in_suites = selected.len();
    selected.retain(|scenario| selection.filter.as_ref().is_none_or(|filter| filter.selects(scenario)));
    selected.retain(|scenario| selection.only.as_ref().is_none_or(|only| only.contains(&scenario.id)));
    let filtered = selected.len();
    selected.retain(|scenario| selection.shard.is_none_or(|shard| shard.holds(&scenario.id)));
    if selected.is_empty() {
        return Err(PlanError::NothingSelected(nothing(selection, in_suites, filtered)));
    }
    let waivers = &selection.waivers;
    let subtests = selected.iter().map(|scenario| PlannedSubtest {
        scenario: Arc::clone(scenario),
        disposition: disposition(scenario, registry, target),
        judges_ours: target.is_reference,
        waivers: Arc::clone(waivers),
    });
    let is_selected = |scenario: &Scenario| selected.iter().any(|known| known.id == scenario.id);
    // What never runs on this target leaves nothing open about a waiver.
    let could_run = |scenario: &Scenario| disposition(scenario, registry, target) == Disposition::Run;
    let elsewhere = scenarios
        .iter()
        .filter(|scenario| waivers.concern(scenario) && !is_selected(scenario) && could_run(scenario));
    Ok(Plan {
        subtests: subtests.collect(),
        selection: selection.clone(),
        elsewhere: elsewhere.cloned().collect(),
        fingerprint: fingerprint(scenarios, registry),
    })
}

fn known_suites<'a>(scenarios: &'a [Arc<Scenario>], registry: &'a Registry) -> Vec<&'a str> {
    let mut suites = registry.suites();
    for scenario in scenarios {
        if !suites.contains(&scenario.suite.as_str()) {
            suites.push(&scenario.suite);
        }
    }
    suites
}

fn nothing(selection: &Selection, in_suites: usize, filtered: usize) -> String {
    let suites = match selection.suites.as_slice() {
        [] => "all suites".to_owned(),
        [suite] => format!("suite {suite}"),
        suites => format!("suites {}", suites.join(", ")),
    };
    if in_suites == 0 {
        return format!("there is no sub-test in {suites} yet; `harness list` shows what there is");
    }
    match (&selection.filter, selection.shard) {
        _ if filtered == 0 && selection.only.is_some() => {
            format!("none of the sub-tests to run again is selected in {suites}; leave the filter out")
        }
        (Some(filter), _) if filtered == 0 => format!(
            "the filter `{}` selects none of the {in_suites} sub-tests of {suites}; `harness list` shows them",
            filter.as_str()
        ),
        (_, Some(shard)) => format!(
            "none of the {filtered} selected sub-tests falls into part {}/{}; take fewer parts",
            shard.index, shard.count
        ),
        _ => format!("nothing is selected in {suites}"),
    }
}

fn disposition(scenario: &Scenario, registry: &Registry, target: &TargetFacts) -> Disposition {
    if let Some(skip) = &scenario.skip {
        return Disposition::Skip(skip.reason.clone());
    }
    if let Some(reason) = missing(scenario, target) {
        return Disposition::Skip(reason);
    }
    let is_ours = |id: &str| registry.get(id).is_some_and(|known| known.level == Level::Ours);
    let mut checks = scenario.steps.iter().flat_map(|step| &step.checks).peekable();
    let judges_nothing_else =
        checks.peek().is_some() && checks.all(|check| check.verifies.iter().all(|id| is_ours(id)));
    if judges_nothing_else && !target.is_reference {
        let reason =
            format!("judges choices of the reference alone, and {} is another implementation", target.name);
        return Disposition::Skip(reason);
    }
    Disposition::Run
}

/// What the sub-test needs and the target does not have.
fn missing(scenario: &Scenario, target: &TargetFacts) -> Option<String> {
    let missing = || scenario.needs.iter().filter(|need| !target.capabilities.contains(need));
    let explained = missing().filter_map(|need| target.lacking.get(need)).map(|why| format!("needs {why}"));
    let undeclared: Vec<&str> =
        missing().filter(|need| !target.lacking.contains_key(need)).map(|need| phrase(*need)).collect();
    let undeclared = (!undeclared.is_empty())
        .then(|| format!("needs {}, which {} does not declare", undeclared.join(" and "), target.name));
    let reasons: Vec<String> = undeclared.into_iter().chain(explained).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// What a target lacks, in the words of a reason.
fn phrase(capability: Capability) -> &'static str {
    match capability {
        Capability::Agent => "an agent to run",
        Capability::Installer => "an installer, with sh and curl to run it",
        Capability::Clock => "a clock that can be advanced",
        Capability::Heartbeat => "heartbeats with a machine's credential",
        Capability::Organisations => "a second organisation",
        Capability::Addresses => "several addresses to connect from",
        Capability::Cidr => "the address that the target sees the kit at",
        Capability::Dashboard => "the dashboard",
        Capability::Wire => "WireGuard packets",
        Capability::Tun => "a TUN device",
        Capability::Fresh => "a target that is empty for each sub-test",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::{Place, model::Source, parse};

    /// A sub-test whose one step judges these statements.
    pub(crate) fn scenario(suite: &str, id: &str, title: &str, statements: &[&str]) -> Scenario {
        let (chapter, stem) = id.split_once('/').unwrap();
        let mut ids = statements.to_vec();
        ids.push("c/F.1");
        let text = format!(
            "title = \"{title}\"\n[[step]]\nname = \"n\"\nget = \"/\"\ncheck = [{{ verifies = {ids:?}, status = 200 }}]\n"
        );
        let source = Arc::new(Source { path: format!("{id}.toml").into(), text });
        let place = Place {
            suite: suite.to_owned(),
            chapter: chapter.to_owned(),
            stem: stem.to_owned(),
            snapshots: format!("{id}.snap").into(),
        };
        let mut registry = "[chapters]\n".to_owned();
        let mut chapters: Vec<&str> =
            ids.iter().filter_map(|id| id.split('/').next()).chain([chapter]).collect();
        chapters.sort_unstable();
        chapters.dedup();
        for chapter in chapters {
            registry
                .push_str(&format!("{chapter} = {{ suite = \"{suite}\", title = \"\", document = \"\" }}\n"));
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
            lacking: BTreeMap::from([(Capability::Tun, "a TUN device, which takes root: no".to_owned())]),
            is_reference,
        }
    }

    fn ids(plan: &Plan) -> Vec<String> {
        plan.subtests.iter().map(|subtest| subtest.scenario.id.clone()).collect()
    }

    #[test]
    fn what_the_target_does_not_declare_is_skipped_with_the_reason() {
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
                skip("judges choices of the reference alone, and acme is another implementation"),
                skip("needs a TUN device, which takes root: no"),
            ]
        );
        assert_eq!(
            of(&target(&[Capability::Clock, Capability::Dashboard, Capability::Tun], true)),
            [Disposition::Run, skip("comes later"), Disposition::Run, Disposition::Run]
        );
    }

    #[test]
    fn only_what_judges_choices_alone_is_left_to_the_reference() {
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
    fn a_part_without_subtests_is_told_as_such() {
        let scenarios = many(1);
        let mut parts = (1..=9).map(|index| format!("{index}/9").parse::<Shard>().unwrap());
        let shard = parts.find(|shard| !shard.holds("c/ST1"));
        for filter in [None, Some("ST1")] {
            let filter = filter.map(|filter| Filter::parse(filter).unwrap());
            let selection = Selection { shard, filter, ..Selection::default() };
            let error =
                plan(&scenarios, &registry(), &selection, &target(&[], true)).unwrap_err().to_string();
            assert!(error.starts_with("none of the 1 selected sub-tests falls into part"), "{error}");
        }
    }

    #[test]
    fn suites_and_filters_that_select_nothing_say_what_there_is() {
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
        assert_eq!(
            unknown.to_string(),
            "there is no suite `kyes`, did you mean `keys`?; there are: keys, empty"
        );
        assert!(
            matches!(message(&["empty"], None), PlanError::NothingSelected(text) if text.contains("in suite empty yet"))
        );
        assert!(
            matches!(message(&[], Some("ST9")), PlanError::NothingSelected(text) if text.contains("`ST9` selects none of the 3"))
        );
    }

    #[test]
    fn a_new_subtest_moves_no_other_to_another_part() {
        let part_of = |scenarios: &[Arc<Scenario>]| -> BTreeMap<String, u32> {
            let mut parts = BTreeMap::new();
            for index in 1..=3 {
                let shard = Some(format!("{index}/3").parse().unwrap());
                let selection = Selection { shard, ..Selection::default() };
                let plan = plan(scenarios, &registry(), &selection, &target(&[], true)).unwrap();
                parts.extend(ids(&plan).into_iter().map(|id| (id, index)));
            }
            parts
        };
        let (few, more) = (part_of(&many(30)), part_of(&many(40)));
        assert_eq!(few.len(), 30);
        assert!(few.iter().all(|(id, part)| more[id] == *part));
    }
}
