//! `ztna up`, and the commands that talk to it: `down`, `status`, `logout`.

use std::process::Stdio;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use wiremock::{Mock, Request, ResponseTemplate, matchers};

use crate::agent::machine::{AUTH_KEY, MACHINE_TOKEN, Machine, Running, done, refused};
use crate::wait::{DEADLINE, eventually};

const WARNING: &str = "WARNING: passing auth-key via CLI flag exposes it in process listing and shell history. Use ZTNA_AUTH_KEY env var instead.";

fn bearer(token: &str) -> Option<String> {
    Some(format!("Bearer {token}"))
}

#[tokio::test]
async fn up_registers_sends_heartbeats_and_signs_off() {
    let machine = Machine::fresh().await;
    machine.accepts("online").await;
    let up = machine.up(&["--tags", "server,tag:eng"]).ready();
    let fingerprint = up.lines[4].strip_prefix("Node key: ").unwrap().to_owned();
    assert_eq!(
        up.lines,
        [
            "Starting QuickZTNA...",
            "Registered: Linux-C (100.64.0.3)",
            "Connected as Linux-C (100.64.0.3) [userspace]",
            "VPN started!",
            &format!("Node key: {fingerprint}"),
            "Press Ctrl+C to stop...",
        ]
    );
    assert_eq!(machine.requests().await, ["POST /api/register-machine", "POST /api/heartbeat"]);

    let (registration, credential) = machine.sent_to("/api/register-machine").await.remove(0);
    assert_eq!(credential, None, "the key is the credential");
    assert_eq!(
        (&registration["auth_key"], &registration["name"], &registration["tags"]),
        (&json!(AUTH_KEY), &json!("Linux-C"), &json!(["tag:server", "tag:eng"]))
    );
    let status: Value = serde_json::from_str(&machine.run(&["status", "--json"]).stdout).unwrap();
    assert!(fingerprint.starts_with(&status["node_key"].as_str().unwrap()[..16]));
    assert_eq!(status["machine"]["tailnet_ip"], "100.64.0.3");
    assert_eq!((&status["running"], &status["phase"]), (&json!(true), &json!("online")));

    up.signal(Signal::TERM);
    let (status, stderr) = up.end();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
    let heartbeats = machine.sent_to("/api/heartbeat").await;
    let said: Vec<_> =
        heartbeats.iter().map(|(body, by)| (body["status"].as_str().unwrap(), by.clone())).collect();
    assert_eq!(said, [("online", bearer(MACHINE_TOKEN)), ("offline", bearer(MACHINE_TOKEN))]);
}

#[tokio::test]
async fn up_registers_again_only_after_logout() {
    let machine = Machine::fresh().await;
    machine.accepts("online").await;
    let first = machine.up(&[]).ready();
    let key = first.lines[4].clone();
    insta::assert_snapshot!("down", machine.run(&["down"]).shown());
    first.end();

    let again = machine.up(&[]).ready();
    assert_eq!(again.lines[1], "Already registered: Linux-C (IP: 100.64.0.3)");
    assert_eq!(again.lines[4], key);
    insta::assert_snapshot!("logout", machine.run(&["logout"]).shown());
    let (status, _) = again.end();
    assert_eq!(status.code(), Some(0), "logout stops the running up");
    assert_eq!(machine.sent_to("/api/register-machine").await.len(), 1);
    assert_eq!(machine.sent_to("/api/machine-logout").await, [(json!({}), bearer(MACHINE_TOKEN))]);
    assert_eq!(machine.state()["machine"], Value::Null);

    let anew = machine.up(&[]).ready();
    assert_eq!(anew.lines[1], "Registered: Linux-C (100.64.0.3)");
    assert_ne!(anew.lines[4], key, "logout replaces the node key");
    assert_eq!(machine.sent_to("/api/register-machine").await.len(), 2);
}

#[tokio::test]
async fn auth_key_flag_warns_and_variable_does_not() {
    for (flag, variable, warned) in [
        (Some(AUTH_KEY), None, true),
        (None, Some(AUTH_KEY), false),
        (Some(AUTH_KEY), Some(AUTH_KEY), true),
        (Some(""), Some(AUTH_KEY), false),
    ] {
        let machine = Machine::fresh().await;
        machine.accepts("online").await;
        let mut command = machine.ztna(&["up", "--userspace", "--hostname", "Linux-C", "--log", "trace"]);
        command.args(flag.map(|key| format!("--auth-key={key}")));
        command.envs(variable.map(|key| ("ZTNA_AUTH_KEY", key)));
        let up = Running::start(&mut command).ready();
        up.signal(Signal::INT);
        let (status, stderr) = up.end();
        assert_eq!(status.code(), Some(0));
        assert_eq!(stderr.contains(WARNING), warned, "{stderr}");
        assert!(stderr.contains("response received"), "the log is not on: {stderr}");
        for secret in [&AUTH_KEY[11..], &MACHINE_TOKEN[4..]] {
            assert!(!stderr.contains(secret), "{stderr}");
        }
    }
}

#[tokio::test]
async fn second_up_is_refused_and_a_killed_one_leaves_no_lock() {
    let machine = Machine::fresh().await;
    machine.accepts("online").await;
    let first = machine.up(&[]).ready();
    let second = machine.run(&["up", "--userspace", "--auth-key", AUTH_KEY]);
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("'ztna up' is already running"), "{}", second.stderr);

    first.signal(Signal::KILL);
    first.end();
    let status: Value = serde_json::from_str(&machine.run(&["status", "--json"]).stdout).unwrap();
    assert_eq!(status["running"], false, "the socket that it left is stale");
    let _again = machine.up(&[]).ready();
    assert_eq!(machine.run(&["down"]).stdout, "QuickZTNA stopped.\n");
}

#[tokio::test]
async fn state_path_may_exceed_a_socket_address() {
    let mut machine = Machine::fresh().await;
    machine.state_dir = machine.folder().join("x".repeat(100)).join("y".repeat(100));
    machine.accepts("online").await;
    let up = machine.up(&[]).ready();
    assert!(machine.run(&["status"]).stdout.contains("State:         running"));
    assert_eq!(machine.run(&["down"]).stdout, "QuickZTNA stopped.\n");
    assert_eq!(up.end().0.code(), Some(0));
}

#[tokio::test]
async fn every_usual_signal_ends_up_with_its_goodbye() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let machine = Machine::fresh().await;
        machine.accepts("online").await;
        let up = machine.up(&[]).ready();
        up.signal(signal);
        let (status, stderr) = up.end();
        assert_eq!((status.code(), stderr.as_str()), (Some(0), ""), "{signal:?}");
        let (last, _) = machine.sent_to("/api/heartbeat").await.pop().unwrap();
        assert_eq!(last["status"], "offline", "{signal:?}");
    }
}

/// Stops `ztna up` while a heartbeat is answered `delay` later. Returns how long after it the sign-off came.
async fn sign_off_after_a_heartbeat(delay: Duration) -> Duration {
    let machine = Machine::fresh().await;
    let (received, reports) = mpsc::channel();
    let report = move |request: &Request| {
        let online = request.body_json::<Value>().unwrap()["status"] == "online";
        received.send((online, Instant::now())).unwrap();
        let answer = ResponseTemplate::new(503).set_body_json(refused("UNAVAILABLE", "of no importance"));
        if online { answer.set_delay(delay) } else { answer }
    };
    let path = matchers::path("/api/heartbeat");
    Mock::given(path).respond_with(report).mount(&machine.control).await;
    machine.accepts("online").await;
    let up = machine.up(&[]);
    let (online, first) = reports.recv_timeout(DEADLINE).unwrap();
    up.signal(Signal::TERM);
    assert_eq!(up.end().0.code(), Some(0));
    let (offline, last) = reports.recv_timeout(DEADLINE).unwrap();
    assert_eq!((online, offline), (true, false));
    last - first
}

/// The control plane could record the heartbeat after the sign-off, and the machine would count as online for 90 s.
#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_is_answered_before_the_machine_signs_off() {
    let delay = Duration::from_millis(300);
    let signed_off = sign_off_after_a_heartbeat(delay).await;
    assert!(signed_off >= delay, "{signed_off:?} after a heartbeat");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_without_an_answer_does_not_prevent_the_sign_off() {
    sign_off_after_a_heartbeat(Duration::from_secs(3600)).await;
}

#[tokio::test]
async fn up_started_with_nohup_outlives_its_terminal() {
    let machine = Machine::fresh().await;
    machine.accepts("online").await;
    let plain = machine.ztna(&["up", "--userspace", "--hostname", "Linux-C"]);
    let mut command = std::process::Command::new("nohup");
    command.arg(plain.get_program()).args(plain.get_args()).env_clear().stdin(Stdio::null());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let up = Running::start(command.env("ZTNA_AUTH_KEY", AUTH_KEY)).ready();
    up.signal(Signal::HUP);
    assert!(machine.run(&["status"]).stdout.contains("State:         running"));
    machine.run(&["down"]);
    assert_eq!(up.end().0.code(), Some(0));
}

#[tokio::test]
async fn up_survives_closed_stdio() {
    let machine = Machine::fresh().await;
    machine.accepts("online").await;
    let mut up = machine.ztna(&["up", "--userspace", "--auth-key", AUTH_KEY, "--hostname", "Linux-C"]);
    let mut child = up.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    drop(child.stderr.take());
    // It comes up and can be stopped all the same.
    eventually(|| {
        assert_eq!(child.try_wait().unwrap(), None, "it exited");
        machine.run(&["status"]).stdout.contains("State:         running")
    });
    machine.run(&["down"]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn auth_key_takes_precedence_over_a_session() {
    let machine = Machine::registered().await;
    let mut state = machine.state();
    state["machine"] = Value::Null;
    machine.write_state(&state);
    machine.accepts("online").await;
    let _up = machine.up(&[]).ready();
    let (body, credential) = machine.sent_to("/api/register-machine").await.remove(0);
    assert_eq!((body["auth_key"].as_str(), body.get("org_id"), credential), (Some(AUTH_KEY), None, None));
}

#[tokio::test]
async fn registration_conflict_is_retried() {
    let machine = Machine::fresh().await;
    let conflict = refused("REGISTRATION_CONFLICT", "Another registration of this name is under way");
    machine.answers_next("POST", "/api/register-machine", 409, conflict, 2).await;
    machine.accepts("online").await;
    let up = machine.up(&[]).ready();
    assert_eq!(up.lines[1], "Registered: Linux-C (100.64.0.3)");
    let public_keys: Vec<Value> = machine
        .sent_to("/api/register-machine")
        .await
        .into_iter()
        .map(|(body, _)| body["public_key"].clone())
        .collect();
    assert_eq!(public_keys.len(), 3);
    assert!(public_keys.iter().all(|key| *key == public_keys[0]), "one machine, one key");
}

#[tokio::test]
async fn up_waits_for_a_restarting_control_plane() {
    let machine = Machine::fresh().await;
    machine.answers_next("POST", "/api/register-machine", 503, refused("UNAVAILABLE", "starting"), 1).await;
    machine.accepts("online").await;
    let up = machine.up(&["--timeout", "60s"]).ready();
    machine.run(&["down"]);
    assert_eq!(up.end().1, "UNAVAILABLE: starting; retrying until it answers\n");
}

#[tokio::test]
async fn down_ends_the_wait_for_the_control_plane() {
    let machine = Machine::fresh().await;
    let mut command = machine.ztna(&["up", "--userspace", "--auth-key", AUTH_KEY, "--hostname", "a"]);
    let up = Running::start(command.env("ZTNA_SERVER", "http://127.0.0.1:9")).until("Starting QuickZTNA...");
    assert_eq!(machine.run(&["down"]).stdout, "QuickZTNA stopped.\n");
    assert_eq!(up.end().0.code(), Some(0));
}

#[tokio::test]
async fn up_waits_out_quarantine() {
    let machine = Machine::registered().await;
    machine.answers_next("POST", "/api/heartbeat", 403, refused("QUARANTINED", "Quarantined"), 2).await;
    machine.accepts("online").await;
    let up = machine.up(&["--heartbeat-interval", "20ms"]).ready();
    eventually(|| machine.run(&["status", "--json"]).stdout.contains("\"phase\": \"online\""));
    machine.run(&["down"]);
    assert_eq!(
        up.end().1,
        "an administrator quarantined this machine: no traffic until it is released\nthe quarantine was lifted\n"
    );
}

#[tokio::test]
async fn up_waits_for_approval() {
    let machine = Machine::registered().await;
    let mut state = machine.state();
    state["machine"] = Value::Null;
    machine.write_state(&state);
    let pending = json!({ "id": "m1", "name": "Linux-C", "tailnet_ip": "100.64.0.3", "status": "pending" });
    let answer = json!({ "machine": pending, "machine_token": MACHINE_TOKEN, "org_id": "org_1" });
    machine.answers_next("POST", "/api/register-machine", 201, done(answer), 1).await;
    machine.answers_next("POST", "/api/heartbeat", 200, done(json!({ "machine": pending })), 2).await;
    machine.accepts("online").await;
    let mut command =
        machine.ztna(&["up", "--userspace", "--hostname", "Linux-C", "--heartbeat-interval", "20ms"]);
    let up = Running::start(&mut command).until("Approved by an administrator.");
    assert_eq!(
        up.lines[1..3],
        ["Registered: Linux-C (100.64.0.3)", "Waiting for approval by an administrator…"]
    );
    let (body, credential) = machine.sent_to("/api/register-machine").await.remove(0);
    assert_eq!((body["org_id"].as_str(), credential), (Some("org_1"), bearer("session-of-ada")));
    assert_eq!(body.get("auth_key"), None);
}
