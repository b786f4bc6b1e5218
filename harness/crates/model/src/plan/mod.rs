//! Plans a run: which sub-tests run, which are skipped, and why.

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
pub use selection::{InvalidShard, Selection, Shard};
use waiver::Waivers;

/// The plan of a run.
///
/// Each sub-test is listed once, even if it is repeated. Runs of sub-tests are numbered consecutively: with `n`
/// sub-tests, the first repetition has the runs `0..n` and the second `n..2n`.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The selected sub-tests in report order.
    pub subtests: Vec<PlannedSubtest>,
    pub selection: Selection,
    /// Unselected sub-tests that a waiver covers.
    pub unselected_waived: Vec<Arc<Scenario>>,
    /// Identifies the set of scenarios, see [`fingerprint`].
    pub fingerprint: String,
}

/// A sub-test of a plan.
#[derive(Debug, Clone)]
pub struct PlannedSubtest {
    pub scenario: Arc<Scenario>,
    pub disposition: Disposition,
    /// Whether `ours` statements are judged: only on the reference.
    pub judges_ours: bool,
    pub waivers: Arc<Waivers>,
}

/// Whether a sub-test runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    Run,
    /// Skipped, with the reason.
    Skip(String),
}

/// The properties of a target that a plan depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFacts {
    /// The name in skip reasons.
    pub name: String,
    /// The declared capabilities.
    pub capabilities: BTreeSet<Capability>,
    /// Capabilities unavailable in the kit's environment, with the reason.
    pub lacking: BTreeMap<Capability, String>,
    pub is_reference: bool,
}

/// A plan cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A usage error (exit code 2).
    #[error("unknown suite `{name}`\n{hint}available: {known}")]
    UnknownSuite {
        /// The unknown name.
        name: String,
        /// `did you mean …? `, or empty.
        hint: String,
        /// The names of all suites.
        known: String,
    },
    /// No sub-test is selected (exit code 4).
    #[error("{0}")]
    NothingSelected(String),
}

/// Makes the plan of a run against a target.
///
/// # Errors
/// A suite is unknown, or no sub-test is selected.
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
                hint: near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default(),
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
        return Err(PlanError::NothingSelected(describe_empty_selection(selection, in_suites, filtered)));
    }
    let waivers = &selection.waivers;
    let subtests = selected.iter().map(|scenario| PlannedSubtest {
        scenario: Arc::clone(scenario),
        disposition: disposition(scenario, registry, target),
        judges_ours: target.is_reference,
        waivers: Arc::clone(waivers),
    });
    let is_selected = |scenario: &Scenario| selected.iter().any(|known| known.id == scenario.id);
    // A sub-test that cannot run on this target does not leave a waiver undecided.
    let could_run = |scenario: &Scenario| disposition(scenario, registry, target) == Disposition::Run;
    let unselected_waived = scenarios
        .iter()
        .filter(|scenario| waivers.concern(scenario) && !is_selected(scenario) && could_run(scenario));
    Ok(Plan {
        subtests: subtests.collect(),
        selection: selection.clone(),
        unselected_waived: unselected_waived.cloned().collect(),
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

fn describe_empty_selection(selection: &Selection, in_suites: usize, filtered: usize) -> String {
    let suites = match selection.suites.as_slice() {
        [] => "all suites".to_owned(),
        [suite] => format!("suite {suite}"),
        suites => format!("suites {}", suites.join(", ")),
    };
    if in_suites == 0 {
        return format!("no sub-tests in {suites}\nrun `harness list` to see all sub-tests");
    }
    match (&selection.filter, selection.shard) {
        _ if filtered == 0 && selection.only.is_some() => {
            format!("the selection in {suites} contains none of the sub-tests to rerun\nremove the filter")
        }
        (Some(filter), _) if filtered == 0 => format!(
            "the filter `{}` matches none of the {in_suites} sub-tests in {suites}\nrun `harness list` to see them",
            filter.as_str()
        ),
        (_, Some(shard)) => format!(
            "shard {}/{} contains none of the {filtered} selected sub-tests\nuse fewer shards",
            shard.index, shard.count
        ),
        _ => format!("no sub-test is selected in {suites}"),
    }
}

fn disposition(scenario: &Scenario, registry: &Registry, target: &TargetFacts) -> Disposition {
    if let Some(skip) = &scenario.skip {
        return Disposition::Skip(skip.reason.clone());
    }
    if let Some(reason) = unmet_needs(scenario, target) {
        return Disposition::Skip(reason);
    }
    let is_ours = |id: &str| registry.get(id).is_some_and(|known| known.level == Level::Ours);
    let mut checks = scenario.steps.iter().flat_map(|step| &step.checks).peekable();
    let judges_only_ours =
        checks.peek().is_some() && checks.all(|check| check.verifies.iter().all(|id| is_ours(id)));
    if judges_only_ours && !target.is_reference {
        let reason =
            format!("judges only choices of the reference, and {} is another implementation", target.name);
        return Disposition::Skip(reason);
    }
    Disposition::Run
}

/// Returns why the target cannot run the sub-test, if it lacks capabilities.
fn unmet_needs(scenario: &Scenario, target: &TargetFacts) -> Option<String> {
    let missing = || scenario.needs.iter().filter(|need| !target.capabilities.contains(need));
    let explained = missing().filter_map(|need| target.lacking.get(need)).map(|why| format!("needs {why}"));
    let undeclared: Vec<&str> = missing()
        .filter(|need| !target.lacking.contains_key(need))
        .map(|need| describe_need(*need))
        .collect();
    let undeclared = (!undeclared.is_empty())
        .then(|| format!("needs {}, which {} does not declare", undeclared.join(" and "), target.name));
    let reasons: Vec<String> = undeclared.into_iter().chain(explained).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// Describes a capability in a skip reason.
fn describe_need(capability: Capability) -> &'static str {
    match capability {
        Capability::Agent => "an agent to run",
        Capability::Installer => "an installer, with sh and curl to run it",
        Capability::Clock => "a clock that can be advanced",
        Capability::Heartbeat => "heartbeats with a machine credential",
        Capability::Organisations => "a second organisation",
        Capability::Addresses => "several source addresses",
        Capability::Cidr => "the source address that the target sees",
        Capability::Dashboard => "the dashboard",
        Capability::Wire => "WireGuard packets",
        Capability::Tun => "a TUN device",
        Capability::Fresh => "an empty target for each sub-test",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::{ScenarioPath, model::Source, parse};

    /// Returns a sub-test with one step that judges these statements and `c/F.1`.
    pub(crate) fn scenario(suite: &str, id: &str, title: &str, statements: &[&str]) -> Scenario {
        let (chapter, stem) = id.split_once('/').unwrap();
        let mut ids = statements.to_vec();
        ids.push("c/F.1");
        let text = format!(
            "title = \"{title}\"\n[[step]]\nname = \"n\"\nget = \"/\"\ncheck = [{{ verifies = {ids:?}, status = 200 }}]\n"
        );
        let source = Arc::new(Source { path: format!("{id}.toml").into(), text });
        let place = ScenarioPath {
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
            lacking: BTreeMap::from([(Capability::Tun, "a TUN device, which requires root".to_owned())]),
            is_reference,
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
            let error =
                plan(&scenarios, &registry(), &selection, &target(&[], true)).unwrap_err().to_string();
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
}
