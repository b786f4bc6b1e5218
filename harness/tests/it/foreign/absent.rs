//! What a target lacks is not judged: nothing fails and nothing is verified by it.

use serde_json::json;

use crate::foreign::proxy::{Asked, Bend, Turn};
use crate::foreign::target::Foreign;

/// Sub-tests that use what no document describes, beside much that the documents do.
const USERS: &str = "issuing/disconnect, issuing/reuse, headless/ST4-http, headless/ST2, generate/ST5, api-key/ST2-scopes, \
                     used-count/ST3-http, headless/ST4";

#[test]
fn what_needs_absent_endpoints_is_not_judged() {
    let target =
        Foreign::without(&["/api/db/machines", "/api/machine-admin", "/api/user-orgs", "/api/heartbeat"]);
    // The bundle is judged in the same way.
    let run = target.judge_and_verify("", &["--filter", USERS]);
    assert_eq!(run.code, 0, "{run}");
    assert!(run.statements("violated").is_empty(), "{run}");
    let absent = &run.results["target"]["absent"];
    assert_eq!(*absent, json!(["machines", "machine-admin", "user-orgs", "heartbeat"]), "{run}");
    assert_eq!(run.verdict("issuing/disconnect"), "skip", "{run}");
    assert_eq!(run.reason("issuing/disconnect"), "the target has no POST /api/machine-admin");
    assert_eq!(run.statement("issuing/disconnect.1"), "unverified");
    assert_eq!(run.statement("generate/ST5.5"), "unverified");
    // Where documents offer another way to see the same, it is judged by that.
    for statement in ["headless/F.3", "headless/F.4", "headless/ST4.1", "headless/ST4.3", "issuing/reuse.1"] {
        assert_eq!(run.statement(statement), "verified", "{statement}: {run}");
    }
    assert!(run.text.contains("not judged, since the target lacks it: GET /api/db/machines,"), "{run}");
    let doctor = target.doctor();
    assert!(doctor.contains("GET /api/db/machines") && doctor.contains("set paths.machines"), "{doctor}");
    // A run asks once, and never again; so does `doctor`.
    let asked = target.proxy.asked();
    let kit = |path: &str| asked.iter().filter(|asked| asked.is_kit && asked.path() == path).count();
    assert_eq!((kit("/api/db/machines"), kit("/api/machine-admin"), kit("/api/heartbeat")), (2, 2, 2));
}

#[test]
fn absent_actions_and_fields_are_found() {
    let target = Foreign::start(Bend {
        request: Box::new(|asked: &mut Asked| {
            let refusal = |code: &str| json!({ "success": false, "error": { "code": code, "message": "" } });
            match asked.path() {
                "/api/key-management" if asked.json["action"] == "revoke_api_key" => {
                    Turn::Answer(400, refusal("INVALID_ACTION"))
                }
                "/api/register-machine" if !asked.json["tags"].is_null() => {
                    Turn::Answer(422, refusal("UNKNOWN_FIELD"))
                }
                _ => Turn::Pass,
            }
        }),
        ..Bend::default()
    });
    let run = target.judge("", &["--filter", "generate/ST3, api-key/ST1-revoked"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(run.results["target"]["absent"], json!(["revoke-api-key", "claims"]), "{run}");
    assert_eq!(run.statement("generate/ST3.1"), "verified", "{run}");
    assert_eq!(run.statement("generate/ST3.2"), "unverified", "{run}");
    // That a revoked key is refused is not judged, that a valid one is accepted is.
    let checks =
        run.results["subtests"].as_array().unwrap().iter().flat_map(|of| of["checks"].as_array().unwrap());
    let verdicts: Vec<&str> = checks
        .filter(|check| check["requirements"] == json!(["api-key/F.6"]))
        .map(|check| check["verdict"].as_str().unwrap())
        .collect();
    // The key itself, and two that differ a little.
    let (judged, refused) = verdicts.split_at(3);
    assert_eq!(judged, ["pass"; 3], "{run}");
    assert!(!refused.is_empty() && refused.iter().all(|verdict| *verdict == "skip"), "{run}");
}

#[test]
fn the_profile_overrides_the_probes() {
    let target = Foreign::without(&["/api/db/machines"]);
    let filter = ["--filter", "headless/ST4-http"];
    let there = target.judge("[undocumented]\nmachines = true\n", &filter);
    assert_eq!(there.code, 1, "{there}");
    assert_eq!(there.statement("headless/F.4"), "violated", "{there}");

    let everything = Foreign::without(&[]);
    let probed = everything.judge("", &filter);
    assert_eq!(probed.results["target"]["absent"], json!(null), "{probed}");
    let all = "machines = false\nmachine_admin = true\nrevoke_api_key = true\nclaims = true\nuser_orgs = true\n\
               heartbeat = true\nnetwork_map = true\n";
    let before = everything.proxy.asked().len();
    let declared = everything.judge(&format!("[undocumented]\n{all}"), &filter);
    assert_eq!(declared.code, 0, "{declared}");
    assert_eq!(declared.results["target"]["absent"], json!(["machines"]), "{declared}");
    let asked = everything.proxy.asked();
    assert!(asked[before..].iter().all(|asked| asked.path() != "/api/heartbeat"), "{declared}");
}
