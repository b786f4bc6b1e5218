//! What this machine cannot try, for want of root, of a browser or of a tool of the guide's recipes.

use std::collections::BTreeMap;

use harness_model::plan::TargetFacts;
use harness_model::scenario::Library;
use harness_model::scenario::model::Scenario;
use harness_model::text::counted;
use harness_report::diagnosis::catalogue::Declared;

/// The deviations that can be tried, with the sub-tests that can run.
pub(super) struct Possible {
    pub(super) deviations: Vec<Declared>,
    /// How many deviations are left out for want of something, and how many lose a sub-test.
    omitted: BTreeMap<String, (usize, usize)>,
}

impl Possible {
    /// Leaves out the sub-tests that cannot run here, and the deviations that no other sub-test catches.
    pub(super) fn among(selected: Vec<Declared>, library: &Library, facts: &TargetFacts) -> Self {
        let mut possible = Self { deviations: Vec::new(), omitted: BTreeMap::new() };
        for mut declared in selected {
            let lacks = |id: &String| scenario(library, id).and_then(|scenario| lacking(scenario, facts));
            let Some(why) = declared.caught_by.iter().find_map(lacks) else {
                possible.deviations.push(declared);
                continue;
            };
            declared.caught_by.retain(|id| lacks(id).is_none());
            let (whole, part) = possible.omitted.entry(why).or_default();
            if declared.caught_by.is_empty() {
                *whole += 1;
                continue;
            }
            *part += 1;
            let remaining: Vec<&Scenario> =
                declared.caught_by.iter().filter_map(|id| scenario(library, id)).collect();
            declared.breaks.retain(|statement| remaining.iter().any(|one| checks(one, statement)));
            possible.deviations.push(declared);
        }
        possible
    }

    /// What is missing first; `None` if everything can be tried.
    pub(super) fn first_lacking(&self) -> Option<&str> {
        self.omitted.keys().next().map(String::as_str)
    }

    /// Tells what is not tried, a line for each thing that is missing.
    pub(super) fn notes(&self) -> String {
        let line = |(why, (whole, part)): (&String, &(usize, usize))| {
            let whole = (*whole > 0).then(|| counted(*whole, "deviation"));
            let part = (*part > 0).then(|| format!("a sub-test of {}", counted(*part, "deviation")));
            let what: Vec<String> = whole.into_iter().chain(part).collect();
            format!("not tried: {}: needs {why}\n", what.join(", "))
        };
        self.omitted.iter().map(line).collect()
    }
}

/// Returns why the sub-test cannot run, if the reference lacks something here.
fn lacking(scenario: &Scenario, facts: &TargetFacts) -> Option<String> {
    let missing = scenario.needs.iter().find(|need| !facts.capabilities.contains(need))?;
    let why = facts.lacking.get(missing).cloned();
    Some(why.unwrap_or_else(|| format!("the capability {}", missing.name())))
}

fn checks(scenario: &Scenario, statement: &String) -> bool {
    scenario.steps.iter().flat_map(|step| &step.checks).any(|check| check.verifies.contains(statement))
}

fn scenario<'a>(library: &'a Library, id: &str) -> Option<&'a Scenario> {
    library.scenarios.iter().find(|scenario| scenario.id == id).map(AsRef::as_ref)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use harness_model::scenario::model::Capability;
    use harness_report::diagnosis::catalogue::Catalogue;

    use super::*;

    fn facts(missing: &[Capability]) -> TargetFacts {
        TargetFacts {
            name: "reference".to_owned(),
            capabilities: Capability::all().filter(|one| !missing.contains(one)).collect(),
            lacking: missing.iter().map(|one| (*one, format!("the tool {}", one.name()))).collect(),
            is_reference: true,
            missing_sessions: BTreeSet::new(),
            absent: BTreeSet::new(),
            refusal: Default::default(),
        }
    }

    fn possible(ids: &[&str], missing: &[Capability]) -> Possible {
        let catalogue = Catalogue::built_in().unwrap();
        let selected = ids.iter().map(|id| catalogue.find(id).unwrap().clone()).collect();
        let library = crate::cli::library::open(None).unwrap().library;
        Possible::among(selected, &library, &facts(missing))
    }

    #[test]
    fn deviations_are_left_out_only_where_no_other_sub_test_catches_them() {
        let ids = ["state-needs-a-key", "installer-puts-enrolment-off", "count-frozen"];
        let all = possible(&ids, &[]);
        assert_eq!((all.deviations.len(), all.first_lacking(), all.notes().as_str()), (3, None, ""));
        let some = possible(&ids, &[Capability::Docker]);
        let tried: Vec<&str> = some.deviations.iter().map(|declared| declared.id.as_str()).collect();
        assert_eq!(tried, ["state-needs-a-key", "count-frozen"]);
        assert!(!some.deviations[0].caught_by.contains(&"issuing/rollout-docker".to_owned()));
        assert!(some.deviations[0].breaks.contains(&"issuing/rollout.3".to_owned()));
        assert_eq!(
            some.notes(),
            "not tried: 1 deviation, a sub-test of 1 deviation: needs the tool docker\n"
        );
    }

    #[test]
    fn statements_that_only_left_out_sub_tests_judge_need_not_fail() {
        let some = possible(&["installer-installs-beside-the-path"], &[Capability::Docker]);
        assert_eq!(some.deviations[0].caught_by, ["issuing/rollout-cloud-init"]);
        assert_eq!(some.deviations[0].breaks, ["issuing/rollout.1"]);
        let none =
            possible(&["installer-installs-beside-the-path"], &[Capability::Docker, Capability::CloudInit]);
        assert!(none.deviations.is_empty());
    }
}
