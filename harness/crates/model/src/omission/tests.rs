//! Which steps are left out, and what that means for later ones.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::bindings::Bindings;
use crate::check::evidence::{Evidence, Exchange};
use crate::check::outcome::CheckVerdict;
use crate::check::snapshot::SnapshotMode;
use crate::judge::{Judge, NotExecuted, Tally, keep_values};
use crate::scenario::undocumented::Undocumented;
use crate::scenario::{ScenarioPath, parse};
use crate::secret::Secrets;
use crate::source::Source;
use crate::verdict::SubtestVerdict;

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
    let source = Arc::new(Source::new("s/keys/ST1.toml", text));
    let path = ScenarioPath {
        suite: "s".into(),
        chapter: "keys".into(),
        stem: "ST1".into(),
        snapshots: "ST1.snap".into(),
    };
    let parsed = parse(&source, &path, &registry());
    let scenario = parsed.scenario.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics));
    let absent = absent.iter().copied().collect::<BTreeSet<_>>();
    PlannedSubtest { judges_ours, absent, ..PlannedSubtest::new(Arc::new(scenario)) }
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
        name = "organisations"
        get = "/api/user-orgs"
        [[step]]
        name = "an auth key is revoked"
        post = "/api/api-keys"
        json = { action = "revoke_auth_key" }
        [[step]]
        name = "a machine registers without tags"
        post = "/api/register-machine"
        json = { name = "m" }
        [[step]]
        name = "a machine registers with tags"
        post = "/api/register-machine"
        json = { name = "n", tags = ["a"] }
        check = [{ verifies = "keys/ST1.1", status = 403 }]
        [[step]]
        name = "an API key is revoked"
        post = "/api/api-keys"
        json = { action = "revoke_api_key" }
        check = [{ verifies = "keys/ST1.1", status = 403 }]
        [[step]]
        name = "a heartbeat"
        post = "/api/heartbeat"
        check = [{ verifies = "keys/ST1.1", status = 401 }]
        [[step]]
        name = "quarantine"
        post = "/api/machine-admin"
        json = { action = "quarantine" }
    "#;
    use Undocumented::{Claims, Heartbeat, MachineAdmin, Machines, RevokeApiKey, UserOrgs};
    for (absent, expected) in [
        (vec![], vec![]),
        (vec![Machines], vec![0]),
        (vec![UserOrgs], vec![2]),
        (vec![Claims], vec![5]),
        (vec![RevokeApiKey], vec![6]),
        (vec![Heartbeat], vec![7]),
        (vec![MachineAdmin], vec![8]),
        (vec![Machines, MachineAdmin], vec![0, 8]),
    ] {
        let found = left_out(steps, false, &absent);
        let found: Vec<usize> = (0..found.len()).filter(|step| found[*step]).collect();
        assert_eq!(found, expected, "{absent:?}");
    }
}

#[test]
fn what_depends_on_a_change_that_is_left_out_is_left_out() {
    let change = |check: &str| {
        format!(
            r#"
            [[step]]
            name = "before"
            get = "/api/keys"
            check = [{{ verifies = "keys/ST1.1", status = 200 }}]
            [[step]]
            name = "the machine is deleted"
            post = "/api/machine-admin"
            json = {{ action = "delete" }}
            {check}
            [[step]]
            name = "the machine is gone"
            get = "/api/keys"
            check = [{{ verifies = "keys/ST1.1", status = 404 }}]
            "#
        )
    };
    let cases = [
        ("", true),
        (r#"check = [{ verifies = "keys/ST1.1", status = [200, 204] }]"#, true),
        (r#"check = [{ verifies = "keys/ST1.1", any = [{ status = 200 }, { status = 403 }] }]"#, true),
        // A refusal changes nothing.
        (r#"check = [{ verifies = "keys/ST1.1", status = [401, 403] }]"#, false),
        (r#"check = [{ verifies = "keys/ST1.1", any = [{ status = 401 }, { status = 403 }] }]"#, false),
        (
            r#"check = [{ verifies = "keys/ST1.1", status = [200, 403] }, { verifies = "ours/x.1", status = 403 }]"#,
            true,
        ),
        // No other check depends on what only `ours` checks judge.
        (r#"check = [{ verifies = "ours/x.1", status = 200 }]"#, false),
    ];
    for (check, later) in cases {
        let found = left_out(&change(check), false, &[Undocumented::MachineAdmin]);
        assert_eq!(found, [false, true, later], "{check}");
    }
}

#[test]
fn what_depends_on_a_lost_value_is_left_out() {
    let steps = r#"
        [[step]]
        name = "its record"
        get = "/api/db/machines?org_id=${org}"
        keep = { id = "rows/0/id" }
        [[step]]
        name = "composed"
        set = { path = "/api/keys/${id}" }
        [[step]]
        name = "another key"
        get = "/api/keys"
        check = [{ verifies = "keys/ST1.1", status = 200 }]
        [[step]]
        name = "a change by its id"
        post = "${path}"
        [[step]]
        name = "after the change"
        get = "/api/keys"
        check = [{ verifies = "keys/ST1.1", status = 200 }]
    "#;
    let found = left_out(steps, false, &[Undocumented::Machines]);
    assert_eq!(found, [true, true, false, true, true]);
    assert_eq!(left_out(steps, false, &[]), [false; 5]);
}

#[test]
fn checks_that_compare_with_a_lost_value_are_not_judged() {
    let steps = r#"
        [[step]]
        name = "its record"
        get = "/api/db/machines?org_id=${org}"
        keep = { ip = "rows/0/tailnet_ip" }
        [[step]]
        name = "a key"
        get = "/api/keys"
        check = [
          { verifies = "keys/ST1.1", status = 200, json = { "/ip" = "${ip}" } },
          { verifies = "keys/ST1.1", status = 404 },
        ]
    "#;
    let planned = planned(steps, false, &[Undocumented::Machines]);
    let registry = registry();
    let judge = Judge { planned: &planned, registry: &registry, strict: false };
    let mut bindings = Bindings::default();
    let [record, key] = planned.scenario.steps.as_slice() else { panic!("two steps") };
    let omitted = Err(judge.restraint(record, &bindings).unwrap());
    keep_values(record, &omitted, &mut bindings);
    let exchange = Exchange { status: 200, body: "{}".to_owned(), ..Exchange::default() };
    let result = Ok(Evidence::Http(vec![exchange]));
    let outcomes = judge.judge(key, &result, &bindings, SnapshotMode::Compare, &Secrets::default());
    let verdicts: Vec<CheckVerdict> = outcomes.iter().map(|outcome| outcome.verdict).collect();
    assert_eq!(verdicts, [CheckVerdict::Skip, CheckVerdict::Fail]);
}

#[test]
fn a_subtest_without_a_judged_check_is_skipped() {
    let steps = r#"
        [[step]]
        name = "machines"
        get = "/api/db/machines?org_id=${org}"
        check = [{ verifies = "keys/ST1.1", status = 200 }]
    "#;
    let planned = planned(steps, false, &[Undocumented::Machines]);
    let registry = registry();
    let judge = Judge { planned: &planned, registry: &registry, strict: false };
    let step = &planned.scenario.steps[0];
    let omitted = Err(judge.restraint(step, &Bindings::default()).unwrap());
    let outcomes =
        judge.judge(step, &omitted, &Bindings::default(), SnapshotMode::Compare, &Secrets::default());
    let mut tally = Tally::default();
    tally.note(&omitted, &outcomes);
    let end = tally.end();
    assert_eq!(end.verdict, SubtestVerdict::Skip);
    assert_eq!(end.reason.as_deref(), Some("the target has no GET /api/db/machines"));
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
    assert!(judge.judge(record, &omitted, &bindings, SnapshotMode::Compare, &Secrets::default()).is_empty());
    let missing = Err(NotExecuted::missing("id".to_owned()));
    let outcomes = judge.judge(again, &missing, &bindings, SnapshotMode::Compare, &Secrets::default());
    assert_eq!(outcomes[0].verdict, CheckVerdict::Skip);
    assert!(outcomes[0].message.contains("GET /api/db/machines"), "{}", outcomes[0].message);
}
