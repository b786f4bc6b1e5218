//! The kit's WireGuard peer against agents that claim to be connected.

mod agent;

use std::path::Path;

use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::run::Run;

use crate::program::harness;
use agent::{Agent, Manner};

const TOKEN: &str = "credential-of-the-probe-0123456789";
const AUTH_KEY: &str = "0123456789abcdef0123456789abcdef";

/// A control plane whose network map has these peers.
async fn control_plane(peers: Value) -> MockServer {
    let server = MockServer::start().await;
    let good =
        |data: Value| ResponseTemplate::new(200).set_body_json(json!({ "success": true, "data": data }));
    let map = json!({ "version": 1, "full": true, "self": { "tailnet_ip": "100.64.0.2" }, "peers": peers });
    let register = Mock::given(method("POST")).and(path("/api/register-machine"));
    register.respond_with(good(json!({ "machine_token": TOKEN }))).mount(&server).await;
    let bearer = || header("authorization", format!("Bearer {TOKEN}").as_str());
    let heartbeat = Mock::given(method("POST")).and(path("/api/heartbeat")).and(bearer());
    heartbeat.respond_with(good(json!({}))).mount(&server).await;
    let network_map = Mock::given(method("GET")).and(path("/api/network-map")).and(bearer());
    network_map.respond_with(good(map)).mount(&server).await;
    server
}

fn told(agent: &Agent) -> Value {
    json!([{
        "id": "1", "name": "agent-1", "tailnet_ip": "100.64.0.1", "online": true,
        "public_key": agent.public_key, "endpoints": ["not an endpoint", agent.endpoint.to_string()],
    }])
}

fn judge(base_url: &str, filter: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let (profile, results) = (folder.path().join("target.toml"), folder.path().join("results.json"));
    let text = format!(
        "name = \"small\"\nbase_url = \"{base_url}\"\norg_id = \"org_1\"\ncapabilities = [\"wire\"]\n"
    );
    std::fs::write(&profile, text).unwrap();
    let mut command = harness();
    command
        .arg("--scenarios")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire"))
        .arg("--target")
        .arg(&profile)
        .args(["-v", "--filter", filter, "--report"])
        .arg(format!("json={}", results.display()));
    let run = Run::of(&mut command, folder.path());
    let written = run.results.to_string();
    for secret in [TOKEN, AUTH_KEY] {
        assert!(!run.text.contains(secret) && !written.contains(secret), "{run}");
    }
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_handshake_and_a_pong_count_as_connected() {
    let manners = [
        (Manner::Right, 0, ["pass", "pass", "pass"], ""),
        (Manner::Silent, 1, ["fail", "fail", "pass"], "handshake: none; reply to 0 pings"),
        (Manner::Forged, 1, ["fail", "fail", "fail"], "92 bytes"),
        (Manner::Mute, 1, ["pass", "fail", "pass"], "sent ping 2, 100.64.0.2 to 100.64.0.1"),
        (Manner::OtherAddress, 1, ["pass", "fail", "pass"], "from 100.99.0.9, not 100.64.0.1"),
        (Manner::NextToAnother, 0, ["pass", "pass", "pass"], ""),
    ];
    let runs = manners.map(|(manner, ..)| async move {
        let agent = Agent::start(manner);
        let server = control_plane(told(&agent)).await;
        let base_url = server.uri();
        tokio::task::spawn_blocking(move || judge(&base_url, "wire/ST1")).await.unwrap()
    });
    let runs = futures::future::join_all(runs).await;
    for ((manner, code, verdicts, told_of), run) in manners.into_iter().zip(runs) {
        assert_eq!((run.code, run.checks("verdict")), (code, verdicts.to_vec()), "{manner:?}: {run}");
        // Both reports show the packets that were sent and received.
        assert!(run.text.contains(told_of), "{manner:?}: {run}");
        let evidence = run.results["subtests"][0]["checks"][1]["wire"].to_string();
        assert!(evidence.contains(told_of) && (evidence == "null") == (code == 0), "{manner:?}: {evidence}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_counts_only_if_the_machine_was_contacted() {
    let silent = Agent::start(Manner::Silent);
    let run = judge(&control_plane(told(&silent)).await.uri(), "wire/ST2");
    assert_eq!(run.code, 0, "{run}");

    let right = Agent::start(Manner::Right);
    let run = judge(&control_plane(told(&right)).await.uri(), "wire/ST2");
    assert_eq!(run.code, 1, "{run}");
    assert_eq!(run.checks("expected").last(), Some(&"handshake: no answer"));

    // No machine was contacted, so silence cannot be judged; but a machine without an endpoint is not connected.
    let empty = control_plane(json!([])).await;
    let run = judge(&empty.uri(), "wire/ST2");
    assert_ne!((run.code, run.checks("verdict")), (0, vec!["pass"]), "{run}");
    assert_eq!(run.checks("verdict"), ["error"], "{run}");
    let run = judge(&empty.uri(), "wire/ST1");
    assert_eq!(run.code, 1, "{run}");
    assert!(run.text.contains("does not show how to reach agent-1"), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undeclared_control_plane_is_an_environment_error() {
    let server = MockServer::start().await;
    let refusal = json!({ "success": false, "error": { "code": "NOT_FOUND", "message": AUTH_KEY } });
    let answer = ResponseTemplate::new(404).set_body_json(refusal);
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    let run = judge(&server.uri(), "wire/ST1");
    assert_eq!(run.code, 3, "{run}");
    for words in ["/api/register-machine", "the response was 404 NOT_FOUND", "capability `wire`"] {
        let reason = run.results["subtests"][0]["reason"].as_str().unwrap();
        assert!(reason.contains(words), "{reason}");
    }
}
