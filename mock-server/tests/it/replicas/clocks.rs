//! Replicas whose clocks are five seconds apart.

use std::time::Duration;

use mock_server::control::Clock;
use serde_json::{Value, json};

use super::{replicas_with, text};
use crate::test_server::{ACME, ADMIN, TestServer, key_of};

const APART: Duration = Duration::from_secs(5);

/// The first is right, the others are early.
async fn replicas() -> Option<[TestServer; 3]> {
    let clocks: [Clock; 3] = std::array::from_fn(|_| Clock::stopped());
    let start = clocks[0].now();
    for (number, clock) in (0_u32..).zip(&clocks) {
        // They were made one after the other.
        clock.advance(start.plus(APART * number).since(clock.now()));
    }
    replicas_with(clocks).await
}

async fn auth_key(server: &TestServer, fields: Value) -> String {
    server.auth_key(fields).await.1
}

async fn register(server: &TestServer, key: &str, name: &str) -> (String, String) {
    let body = json!({ "auth_key": key, "name": name, "public_key": key_of(name) });
    let answer = server.post("/api/register-machine", "", &body).await;
    (text(&answer, "/data/machine/id"), text(&answer, "/data/machine_token"))
}

async fn pass(replicas: &[TestServer; 3], time: Duration) {
    replicas.iter().for_each(|replica| replica.advance_clock(time));
    for replica in replicas {
        // Each of them may be the one that does the upkeep.
        replica.advance(Duration::ZERO).await;
    }
}

async fn machines(server: &TestServer, query: &str) -> Vec<Value> {
    let path = format!("/api/db/machines?org_id=eq.{ACME}&{query}");
    server.get(&path, &server.token(ADMIN).await).await.data().as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_beats_at_any_replica_does_not_flap() {
    let Some(replicas) = replicas().await else { return };
    let key = auth_key(&replicas[0], json!({ "reusable": true, "ephemeral": true })).await;
    let (_, beating) = register(&replicas[2], &key, "beating").await;
    let (_, watcher) = register(&replicas[0], &key, "watcher").await;
    let map = async |server: &TestServer, since: i64| {
        server.get(&format!("/api/network-map?since={since}&wait=0"), &watcher).await.into_data()
    };
    let version = map(&replicas[0], 0).await["version"].as_i64().unwrap();
    let mut last_seen = String::new();
    // For longer than a silent ephemeral machine is kept.
    for round in 0..40_usize {
        // From the earliest clock to the latest and back.
        let replica = &replicas[[2, 0, 1, 0][round % 4]];
        for token in [&beating, &watcher] {
            assert_eq!(replica.post("/api/heartbeat", token, &json!({})).await.status, 200);
        }
        pass(&replicas, Duration::from_secs(60)).await;
        for replica in &replicas {
            let seen = machines(replica, "name=eq.beating&select=status,last_seen").await;
            assert_eq!(seen[0]["status"], "online", "round {round}");
            let told = seen[0]["last_seen"].as_str().unwrap().to_owned();
            assert!(told >= last_seen, "round {round}: {told} after {last_seen}");
            last_seen = told;
            let changes = map(replica, version).await;
            assert_eq!(
                (&changes["version"], &changes["peers"]),
                (&json!(version), &json!([])),
                "round {round}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_told_once_and_at_the_same_time_give_or_take_the_difference() {
    let Some(replicas) = replicas().await else { return };
    let key = auth_key(&replicas[0], json!({ "reusable": true, "ephemeral": true })).await;
    for (number, replica) in replicas.iter().enumerate() {
        register(replica, &key, &format!("silent-{number}")).await;
    }
    let count = async |query: &str| machines(&replicas[0], query).await.len();
    pass(&replicas, Duration::from_secs(90 - 11)).await;
    assert_eq!(count("status=eq.online").await, 3);
    pass(&replicas, Duration::from_secs(22)).await;
    assert_eq!(count("status=eq.offline").await, 3);
    pass(&replicas, Duration::from_secs(1800 - 101 - 11)).await;
    assert_eq!(count("").await, 3);
    pass(&replicas, Duration::from_secs(22)).await;
    assert_eq!(count("").await, 0);
    let path = format!("/api/db/audit_logs?org_id=eq.{ACME}&action=eq.reap_machine");
    let reaped = replicas[1].get(&path, &replicas[1].token(ADMIN).await).await;
    assert_eq!(reaped.data().as_array().unwrap().len(), 3, "each is removed once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_replica_issues_is_valid_at_the_others() {
    let Some(replicas) = replicas().await else { return };
    for (from, to, name) in [(0, 2, "earlier"), (2, 0, "later")] {
        let (from, to) = (&replicas[from], &replicas[to]);
        let admin = from.token(ADMIN).await;
        assert_eq!(to.get("/api/user-orgs", &admin).await.status, 200, "a session");
        let body = json!({ "action": "create_api_key", "org_id": ACME, "name": "k", "rate_limit_rpm": 3 });
        let api_key = text(&from.post("/api/key-management", &admin, &body).await, "/data/key");
        for (server, status) in [(from, 200), (to, 200), (from, 200), (to, 429), (from, 429)] {
            assert_eq!(server.get("/api/user-orgs", &api_key).await.status, status, "its rate");
        }
        let key = auth_key(from, json!({ "expiry_days": 1 })).await;
        register(to, &key, name).await;
        let code = from.send("POST", "/api/auth/device/code", "", "{}").await;
        let approval = json!({ "user_code": code.body["user_code"] });
        assert_eq!(to.post("/api/auth/device/approve", &admin, &approval).await.status, 200, "a device code");
        let body = json!({
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": code.body["device_code"],
        });
        assert_eq!(from.post("/api/auth/device/token", "", &body).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_session_ends_at_a_late_replica_as_well() {
    let Some(replicas) = replicas().await else { return };
    let token = replicas[0].token(ADMIN).await;
    assert_eq!(replicas[2].post("/api/auth/logout", &token, &json!({})).await.status, 200);
    // It has expired by the earliest clock, whose upkeep forgets it, and not by the latest.
    pass(&replicas, Duration::from_secs(43_200 - 5)).await;
    for replica in &replicas {
        assert_eq!(replica.get("/api/user-orgs", &token).await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_expires_at_all_replicas_within_the_difference() {
    let Some(replicas) = replicas().await else { return };
    let key = auth_key(&replicas[1], json!({ "reusable": true, "expiry_days": 1 })).await;
    let statuses = async |name: &str| {
        let mut statuses = Vec::new();
        for replica in &replicas {
            statuses.push(replica.register(&key, name).await.status.as_u16());
        }
        statuses
    };
    pass(&replicas, Duration::from_secs(86_400 - 6)).await;
    assert_eq!(statuses("before").await, [201, 200, 200]);
    pass(&replicas, Duration::from_secs(12)).await;
    assert_eq!(statuses("after").await, [401, 401, 401]);
}
