//! What ends a machine's identity, and what does not.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wiremock::{Mock, ResponseTemplate, matchers};

use crate::agent::machine::{Machine, refused};
use crate::wait::eventually;

#[tokio::test]
async fn removed_machine_sets_its_state_aside_and_exits() {
    let machine = Machine::registered().await;
    let before = machine.state();
    machine.answers("POST", "/api/heartbeat", 401, refused("UNAUTHORIZED", "Unknown machine")).await;
    let begun = Instant::now();
    let up = machine.run(&["up", "--userspace", "--heartbeat-interval", "50ms"]);
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(up.code, Some(1));
    let lines: Vec<&str> = up.stderr.lines().collect();
    assert!(lines[0].contains("does not know this machine; asking again"), "{lines:?}");
    assert!(lines[1].starts_with("this machine's keys are kept in "), "{lines:?}");
    assert!(lines[2].starts_with("this machine was removed from the control plane"), "{lines:?}");

    assert_eq!((&machine.state()["machine"], &machine.state()["node_key"]), (&Value::Null, &Value::Null));
    assert_eq!(machine.state()["session"]["access_token"], "session-of-ada");
    let kept = fs::read_dir(&machine.state_dir).unwrap().map(|file| file.unwrap().path());
    let kept: Vec<_> = kept
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("state-removed-"))
        .collect();
    assert_eq!(kept.len(), 1);
    assert!(lines[1].contains(kept[0].file_name().unwrap().to_str().unwrap()), "{lines:?}");
    let copy: Value = serde_json::from_slice(&fs::read(&kept[0]).unwrap()).unwrap();
    for field in ["node_key", "machine"] {
        assert_eq!(copy[field], before[field], "{field}");
    }

    // Copied back, the identity is whole again.
    fs::copy(&kept[0], machine.state_file()).unwrap();
    assert!(machine.run(&["status"]).stdout.contains("Machine Name:  Linux-C"));
    assert_eq!(machine.run(&["logout"]).code, Some(0));
    assert!(!kept[0].exists(), "logout deletes the keys that were kept, too");
}

/// The answers of gateways, proxies and captive portals, each for some seconds.
#[tokio::test]
async fn gateways_do_not_end_an_identity() {
    let page = |status| ResponseTemplate::new(status).set_body_raw("<html>Sign in</html>", "text/html");
    let says = |status: u16, body: Value| ResponseTemplate::new(status).set_body_json(body);
    let answers = [
        says(401, json!({ "error": "Unauthorized" })),
        says(401, json!({ "message": "Unauthorized" })),
        says(401, json!({ "error": { "code": "UNAUTHORIZED", "message": "Missing token" } })),
        says(401, json!({ "success": false, "error": { "code": "INVALID_KEY", "message": "no" } })),
        says(401, json!({ "success": false, "message": "Unauthorized" })),
        says(403, refused("UNAUTHORIZED", "no")),
        says(404, refused("NOT_FOUND", "Endpoint not found")),
        says(410, json!({})),
        ResponseTemplate::new(401),
        ResponseTemplate::new(302).insert_header("location", "http://portal.example/"),
        page(200),
        page(401),
        page(403),
        page(404),
        page(502),
        says(200, json!(null)),
        says(200, json!({ "success": true, "data": null })),
    ];
    let machine = Machine::registered().await;
    let before = machine.state();
    machine.accepts("online").await;
    let up = machine.up(&["--heartbeat-interval", "20ms"]).ready();
    for answer in answers {
        machine.control.reset().await;
        let shown = format!("{answer:?}");
        for path in ["/api/heartbeat", "/api/network-map", "/relay"] {
            Mock::given(matchers::path(path)).respond_with(answer.clone()).mount(&machine.control).await;
        }
        let heartbeats = async || machine.sent_to("/api/heartbeat").await.len();
        let enough = Instant::now() + Duration::from_secs(30);
        while heartbeats().await < 5 {
            assert!(Instant::now() < enough, "no further heartbeat after {shown}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(machine.state(), before, "{shown}");
    }
    machine.control.reset().await;
    machine.accepts("online").await;
    eventually(|| machine.run(&["status", "--json"]).stdout.contains("\"phase\": \"online\""));
    machine.run(&["down"]);
    assert_eq!(up.end().0.code(), Some(0));
    assert_eq!(machine.state(), before);
    assert_eq!(machine.sent_to("/api/register-machine").await.len(), 0);
}

#[tokio::test]
async fn logout_says_when_only_a_gateway_refused_it() {
    let machine = Machine::registered().await;
    machine.answers("POST", "/api/machine-logout", 401, json!({ "error": "Unauthorized" })).await;
    let logout = machine.run(&["logout"]);
    assert_eq!(logout.code, Some(0));
    assert!(
        logout.stderr.contains("The machine Linux-C stays listed at the control plane"),
        "{}",
        logout.stderr
    );
}
