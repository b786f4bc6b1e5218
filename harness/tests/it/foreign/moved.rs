//! Undocumented endpoints and fields that a target has elsewhere.

use serde_json::json;

use crate::foreign::proxy::{Asked, Bend, Turn};
use crate::foreign::target::Foreign;

const MOVED: [(&str, &str); 4] = [
    ("/api/db/machines", "/api/v2/devices"),
    ("/api/machine-admin", "/api/v2/device-actions"),
    ("/api/user-orgs", "/api/v2/memberships"),
    ("/api/auth/login", "/api/v2/sessions"),
];

/// A target that has the endpoints at their new paths only.
fn moved() -> Foreign {
    Foreign::start(Bend {
        request: Box::new(|asked: &mut Asked| {
            if MOVED.iter().any(|(old, _)| asked.path() == *old) {
                return Turn::Answer(404, json!({}));
            }
            if let Some((old, new)) = MOVED.iter().find(|(_, new)| asked.path() == *new) {
                asked.target = asked.target.replacen(new, old, 1);
            }
            Turn::Pass
        }),
        ..Bend::default()
    })
}

#[test]
fn requests_go_where_the_profile_says() {
    let target = moved();
    let paths = "[paths]\nmachines = \"/api/v2/devices\"\nmachine_admin = \"/api/v2/device-actions\"\n\
                 user_orgs = \"/api/v2/memberships\"\nlogin = \"/api/v2/sessions\"\n";
    let run = target.judge(paths, &["--filter", "issuing/disconnect, generate/ST5, headless/ST4-http"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(run.results["target"]["absent"], json!(null), "{run}");
    for statement in ["issuing/disconnect.1", "generate/ST5.5", "headless/F.4"] {
        assert_eq!(run.statement(statement), "verified", "{statement}: {run}");
    }
    // The kit's own cleanup uses them, too.
    assert_eq!(run.results["leftovers"], json!(null), "{run}");
    let asked = target.proxy.asked();
    let old = asked.iter().filter(|asked| asked.is_kit && MOVED.iter().any(|(old, _)| asked.path() == *old));
    assert_eq!(old.count(), 0, "{run}");
}

#[test]
fn reports_show_the_path_that_was_asked() {
    let target = Foreign::start(Bend {
        request: Box::new(|asked: &mut Asked| match asked.path() {
            "/api/v2/devices" => Turn::Answer(200, json!({ "success": true, "data": [] })),
            _ => Turn::Pass,
        }),
        ..Bend::default()
    });
    let run = target.judge("[paths]\nmachines = \"/api/v2/devices\"\n", &["--filter", "headless/ST2"]);
    assert_eq!(run.code, 1, "{run}");
    let repeat = run.stdout.lines().find(|line| line.contains("repeat")).unwrap_or_default();
    assert!(repeat.contains("/api/v2/devices?org_id="), "{run}");
}
