//! Which steps are not carried out on a target, although their sub-test runs.

use crate::plan::PlannedSubtest;
use crate::requirement::{Level, Registry};
use crate::scenario::model::{Check, Step};
use crate::scenario::undocumented;

/// Returns why a step is left out on the planned sub-test's target, or `None` if it is carried out.
///
/// A step that judges only choices of the reference could harm another implementation and says nothing about it. A
/// step that calls an undocumented endpoint which the target lacks cannot show anything.
pub fn omission(step: &Step, planned: &PlannedSubtest, registry: &Registry) -> Option<String> {
    let judges_only_ours =
        !step.checks.is_empty() && step.checks.iter().all(|check| is_ours(check, registry));
    if judges_only_ours && !planned.judges_ours {
        return Some("judges only choices of the reference".to_owned());
    }
    let absent = undocumented::used_by(step).intersection(&planned.absent).next().copied();
    absent.map(|endpoint| {
        format!("the target does not offer {}, which no document describes", endpoint.describe())
    })
}

/// Returns whether a check judges nothing but choices of the reference.
pub(crate) fn is_ours(check: &Check, registry: &Registry) -> bool {
    let ours = |id: &String| registry.get(id).is_some_and(|statement| statement.level == Level::Ours);
    check.verifies.iter().all(ours)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::bindings::Bindings;
    use crate::check::outcome::CheckVerdict;
    use crate::check::snapshot::SnapshotMode;
    use crate::judge::{Judge, NotExecuted, keep_values};
    use crate::plan::Disposition;
    use crate::scenario::undocumented::Undocumented;
    use crate::scenario::{ScenarioPath, parse};
    use crate::source::Source;
    use crate::verdict::Fault;

    const REGISTRY: &str = r#"
        [chapters]
        keys = { suite = "s", title = "Keys", document = "a.txt" }
        [[requirement]]
        id = "keys/ST1.1"
        text = "x"
        via = ["http"]
        level = "must"
        [[requirement]]
        id = "ours/x.1"
        text = "z"
        via = ["http"]
        level = "ours"
    "#;

    pub(crate) fn registry() -> Registry {
        Registry::load(REGISTRY, Path::new("r.toml")).unwrap()
    }

    pub(crate) fn planned(steps: &str, judges_ours: bool, absent: &[Undocumented]) -> PlannedSubtest {
        let text = format!("title = \"A key works\"\n{steps}");
        let source = Arc::new(Source { path: "s/keys/ST1.toml".into(), text });
        let path = ScenarioPath {
            suite: "s".into(),
            chapter: "keys".into(),
            stem: "ST1".into(),
            snapshots: "ST1.snap".into(),
        };
        let parsed = parse(&source, &path, &registry());
        let scenario = parsed.scenario.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics));
        PlannedSubtest {
            scenario: Arc::new(scenario),
            disposition: Disposition::Run,
            judges_ours,
            absent: absent.iter().copied().collect::<BTreeSet<_>>(),
            waivers: Arc::default(),
        }
    }

    /// Returns for each step whether it is left out.
    fn left_out(steps: &str, judges_ours: bool, absent: &[Undocumented]) -> Vec<bool> {
        let planned = planned(steps, judges_ours, absent);
        let registry = registry();
        planned.scenario.steps.iter().map(|step| omission(step, &planned, &registry).is_some()).collect()
    }

    const LEVELS: &str = r#"
        [[step]]
        name = "prepared"
        post = "/api/keys"
        [[step]]
        name = "ours"
        get = "/api/keys"
        check = [{ verifies = "ours/x.1", status = 200 }]
        [[step]]
        name = "both"
        get = "/api/keys"
        check = [{ verifies = "ours/x.1", status = 200 }, { verifies = "keys/ST1.1", status = 200 }]
    "#;

    #[test]
    fn steps_that_judge_only_the_reference_are_left_out_elsewhere() {
        assert_eq!(left_out(LEVELS, false, &[]), [false, true, false]);
        assert_eq!(left_out(LEVELS, true, &[]), [false, false, false]);
    }

    #[test]
    fn steps_that_call_an_absent_endpoint_are_left_out() {
        let steps = r#"
            [[step]]
            name = "machines"
            get = "/api/db/machines?org_id=${org}"
            [[step]]
            name = "keys"
            get = "/api/db/auth_keys?org_id=${org}"
            check = [{ verifies = "keys/ST1.1", status = 200 }]
            [[step]]
            name = "quarantine"
            post = "/api/machine-admin"
            json = { action = "quarantine" }
            [[step]]
            name = "revoke an API key"
            post = "/api/api-keys"
            json = { action = "revoke_api_key" }
            [[step]]
            name = "revoke an auth key"
            post = "/api/api-keys"
            json = { action = "revoke_auth_key" }
        "#;
        use Undocumented::{MachineAdmin, Machines, RevokeApiKey};
        for (absent, expected) in [
            (&[][..], [false; 5]),
            (&[Machines][..], [true, false, false, false, false]),
            (&[MachineAdmin][..], [false, false, true, false, false]),
            (&[RevokeApiKey][..], [false, false, false, true, false]),
        ] {
            assert_eq!(left_out(steps, false, absent), expected, "{absent:?}");
        }
    }

    #[test]
    fn what_needs_a_value_of_a_step_that_is_left_out_is_not_judged() {
        let steps = r#"
            [[step]]
            name = "its record"
            get = "/api/db/machines?org_id=${org}"
            keep = { id = "rows/0/id" }
            [[step]]
            name = "the record again"
            get = "/api/keys?id=${id}"
            check = [{ verifies = "keys/ST1.1", status = 200 }]
        "#;
        let planned = planned(steps, false, &[Undocumented::Machines]);
        let registry = registry();
        let judge = Judge { planned: &planned, registry: &registry, strict: false };
        let mut bindings = Bindings::default();
        let [record, again] = planned.scenario.steps.as_slice() else { panic!("two steps") };
        let omitted = Err(judge.restraint(record, &bindings).unwrap());
        keep_values(record, &omitted, &mut bindings);
        assert!(judge.judge(record, &omitted, &bindings, SnapshotMode::Compare).is_empty());
        let missing = Err(NotExecuted {
            message: "`${id}` has no value".into(),
            fault: Fault::Kit,
            missing: Some("id".into()),
            was_skipped: false,
            is_omitted: false,
        });
        let outcomes = judge.judge(again, &missing, &bindings, SnapshotMode::Compare);
        assert_eq!(outcomes[0].verdict, CheckVerdict::Skip);
        assert!(outcomes[0].message.contains("GET /api/db/machines"), "{}", outcomes[0].message);
    }
}
