//! The kit's WireGuard peer against agents that say they are connected, and are or are not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may end like this")]

mod agent;
#[path = "../support"]
mod support {
    pub(crate) mod program;
}

use std::path::Path;

use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use agent::{Agent, Manner};
use support::program::harness;

const TOKEN: &str = "credential-of-the-probe-0123456789";
const AUTH_KEY: &str = "0123456789abcdef0123456789abcdef";

/// A run of the program.
struct Run {
    code: i32,
    stdout: String,
    results: Value,
}

impl Run {
    /// What it says of the last check of a sub-test.
    fn last_check(&self) -> &Value {
        self.results["subtests"][0]["checks"].as_array().unwrap().last().unwrap()
    }

    fn of(&self, field: &str) -> Vec<&str> {
        let checks = self.results["subtests"][0]["checks"].as_array().unwrap();
        checks.iter().map(|check| check[field].as_str().unwrap()).collect()
    }
}

/// The control plane, which tells of these machines.
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
    let output = harness()
        .arg("--scenarios")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire"))
        .arg("--target")
        .arg(&profile)
        .args(["--filter", filter, "--report"])
        .arg(format!("json={}", results.display()))
        .output()
        .unwrap();
    let written = std::fs::read_to_string(&results).unwrap_or_default();
    let stdout = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    for secret in [TOKEN, AUTH_KEY] {
        assert!(!stdout.contains(secret) && !written.contains(secret), "{stdout}");
    }
    let results = serde_json::from_str(&written).unwrap_or_default();
    Run { code: output.status.code().unwrap_or(-1), stdout, results }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_machine_that_shakes_hands_and_answers_is_connected() {
    for (manner, code, verdicts, told_of) in [
        (Manner::Right, 0, ["pass", "pass", "pass"], ""),
        (Manner::Silent, 1, ["fail", "fail", "pass"], "handshake: none; reply to 0 pings"),
        (Manner::Forged, 1, ["fail", "fail", "fail"], "92 bytes"),
        (Manner::Mute, 1, ["pass", "fail", "pass"], "sent ping 2, 100.64.0.2 to 100.64.0.1"),
        (Manner::OtherAddress, 1, ["pass", "fail", "pass"], "from 100.99.0.9, not 100.64.0.1"),
    ] {
        let agent = Agent::start(manner);
        let server = control_plane(told(&agent)).await;
        let run = judge(&server.uri(), "wire/ST1");
        assert_eq!((run.code, run.of("verdict")), (code, verdicts.to_vec()), "{manner:?}: {}", run.stdout);
        // What was sent and heard stands in both reports.
        assert!(run.stdout.contains(told_of), "{manner:?}: {}", run.stdout);
        let evidence = run.results["subtests"][0]["checks"][1]["wire"].to_string();
        assert!(evidence.contains(told_of) && (evidence == "null") == (code == 0), "{manner:?}: {evidence}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_believed_of_a_machine_that_was_asked() {
    let silent = Agent::start(Manner::Silent);
    let run = judge(&control_plane(told(&silent)).await.uri(), "wire/ST2");
    assert_eq!(run.code, 0, "{}", run.stdout);

    let right = Agent::start(Manner::Right);
    let run = judge(&control_plane(told(&right)).await.uri(), "wire/ST2");
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert_eq!(run.last_check()["expected"], "handshake: no answer");

    // Nobody was asked: nothing is known. But a machine that nobody is told of is not connected either.
    let empty = control_plane(json!([])).await;
    let run = judge(&empty.uri(), "wire/ST2");
    assert_ne!((run.code, run.of("verdict")), (0, vec!["pass"]), "{}", run.stdout);
    assert_eq!(run.of("verdict"), ["error"], "{}", run.stdout);
    let run = judge(&empty.uri(), "wire/ST1");
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(run.stdout.contains("does not show how to reach agent-1"), "{}", run.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_plane_unlike_what_is_declared_says_nothing_about_the_machine() {
    let server = MockServer::start().await;
    let refusal = json!({ "success": false, "error": { "code": "NOT_FOUND", "message": AUTH_KEY } });
    let answer = ResponseTemplate::new(404).set_body_json(refusal);
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    let run = judge(&server.uri(), "wire/ST1");
    assert_eq!(run.code, 3, "{}", run.stdout);
    for words in ["/api/register-machine", "the response was 404 NOT_FOUND", "capability `wire`"] {
        let reason = run.results["subtests"][0]["reason"].as_str().unwrap();
        assert!(reason.contains(words), "{reason}");
    }
}
