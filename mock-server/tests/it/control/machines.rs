//! Machines after registration: heartbeats, tags, quarantine and deletion, logout, reaping.

use std::time::Duration;

use serde_json::{Value, json};

use crate::test_server::{ACME, ADMIN, MEMBER, TestServer, public_key};

const MINUTE: Duration = Duration::from_secs(60);

/// Registers a machine; returns its id and token.
async fn machine(server: &TestServer, key: &str, name: &str) -> (String, String) {
    let answer = server.register(key, name).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&answer.data()["machine"]["id"]), text(&answer.data()["machine_token"]))
}

#[tokio::test]
async fn heartbeats_set_online_and_offline() {
    let server = TestServer::start().await;
    let (_, key) = server.auth_key(json!({})).await;
    let (_, token) = machine(&server, &key, "m").await;
    let beat = async |body: Value| server.post("/api/heartbeat", &token, &body).await;
    let off = beat(json!({ "status": "offline", "version": "9" })).await;
    assert_eq!(off.data()["machine"]["status"], json!("offline"));
    assert_eq!(off.data()["machine"]["version"], json!("9"));
    let bare = server.send("POST", "/api/heartbeat", &token, "").await;
    assert_eq!(bare.data()["machine"]["status"], json!("online"));
    assert_eq!(bare.data()["machine"]["version"], json!("9"));
    assert_eq!(beat(json!({ "status": "quarantined" })).await.code(), "INVALID_INPUT");
    for wrong in ["", "ztm_00", "x"] {
        assert_eq!(server.post("/api/heartbeat", wrong, &json!({})).await.code(), "UNAUTHORIZED");
    }
}

#[tokio::test]
async fn only_ephemeral_machines_are_reaped_after_30_minutes() {
    let server = TestServer::start().await;
    let (id, ephemeral) = server.auth_key(json!({ "reusable": true, "ephemeral": true })).await;
    let (_, lasting) = server.auth_key(json!({ "reusable": true })).await;
    machine(&server, &ephemeral, "silent").await;
    machine(&server, &lasting, "lasting").await;
    let (_, alive) = machine(&server, &ephemeral, "alive").await;
    server.advance(29 * MINUTE).await;
    assert_eq!(server.counts(&id).await, (2, 3, 3));
    assert_eq!(server.post("/api/heartbeat", &alive, &json!({})).await.status, 200);
    server.advance(MINUTE).await;
    assert_eq!(server.counts(&id).await, (2, 2, 2));
    assert_eq!(server.post("/api/heartbeat", &alive, &json!({})).await.status, 200);
    server.advance(30 * MINUTE).await;
    assert_eq!(server.post("/api/heartbeat", &alive, &json!({})).await.code(), "UNAUTHORIZED");
    assert_eq!(server.counts(&id).await, (2, 1, 1));
}

#[tokio::test]
async fn quarantine_holds_until_released() {
    let server = TestServer::start().await;
    let (key_id, key) = server.auth_key(json!({ "reusable": true, "ephemeral": true })).await;
    let (id, token) = machine(&server, &key, "m").await;
    let put = server.administer("quarantine", &id).await;
    assert_eq!(put.data()["machine"]["status"], json!("quarantined"));
    assert_eq!(server.post("/api/heartbeat", &token, &json!({})).await.code(), "QUARANTINED");
    assert_eq!(server.register(&key, "m").await.code(), "QUARANTINED");
    assert_eq!(server.counts(&key_id).await, (1, 1, 1));
    let tags = json!({ "tags": ["x"] });
    assert_eq!(server.post("/api/machine-tags", &token, &tags).await.code(), "QUARANTINED");
    server.administer("release", &id).await;
    let beat = server.post("/api/heartbeat", &token, &json!({})).await;
    assert_eq!(beat.data()["machine"]["status"], json!("online"));

    server.administer("quarantine", &id).await;
    let out = server.post("/api/machine-logout", &token, &json!({})).await;
    assert_eq!(out.data(), &json!({ "removed": false }));
    assert_eq!(server.register(&key, "m").await.code(), "QUARANTINED");
    let admin = server.token(ADMIN).await;
    let session = json!({ "org_id": ACME, "name": "m", "public_key": public_key(1) });
    let again = server.post("/api/register-machine", &admin, &session).await;
    assert_eq!(again.code(), "QUARANTINED");
    assert_eq!(server.administer("approve", &id).await.data()["machine"]["status"], json!("quarantined"));
}

#[tokio::test]
async fn quarantined_ephemeral_machine_is_not_reaped() {
    let server = TestServer::start().await;
    let (key_id, key) = server.auth_key(json!({ "reusable": true, "ephemeral": true })).await;
    let (id, token) = machine(&server, &key, "m").await;
    server.administer("quarantine", &id).await;
    server.advance(24 * 60 * MINUTE).await;
    assert_eq!(server.register(&key, "m").await.code(), "QUARANTINED");
    assert_eq!(server.counts(&key_id).await, (1, 1, 1));

    server.administer("release", &id).await;
    server.advance(29 * MINUTE).await;
    let beat = server.post("/api/heartbeat", &token, &json!({})).await;
    assert_eq!(beat.data()["machine"]["status"], json!("online"));
    server.advance(30 * MINUTE).await;
    assert_eq!(server.counts(&key_id).await, (1, 0, 0));
}

#[tokio::test]
async fn last_credential_decides_whether_a_machine_is_reaped() {
    let server = TestServer::start().await;
    let (key_id, ephemeral) = server.auth_key(json!({ "reusable": true, "ephemeral": true })).await;
    let (_, lasting) = server.auth_key(json!({ "reusable": true })).await;
    let (id, _) = machine(&server, &ephemeral, "m").await;
    assert_eq!(machine(&server, &lasting, "m").await.0, id);
    server.advance(60 * MINUTE).await;
    assert_eq!(server.counts(&key_id).await, (1, 1, 1));
    assert_eq!(machine(&server, &ephemeral, "m").await.0, id);
    server.advance(30 * MINUTE).await;
    assert_eq!(server.counts(&key_id).await, (2, 0, 0));
}

#[tokio::test]
async fn deletion_frees_the_name_but_not_the_key() {
    let server = TestServer::start().await;
    let (key_id, key) = server.auth_key(json!({})).await;
    let (id, token) = machine(&server, &key, "m").await;
    assert_eq!(server.administer("delete", &id).await.status, 200);
    assert_eq!(server.administer("delete", &id).await.refusal(), (404, "NOT_FOUND", "Machine not found"));
    assert_eq!(server.post("/api/heartbeat", &token, &json!({})).await.code(), "UNAUTHORIZED");
    assert_eq!(server.register(&key, "m").await.code(), "KEY_USED");
    assert_eq!(server.counts(&key_id).await, (1, 0, 0));
    let (_, other) = server.auth_key(json!({})).await;
    assert_ne!(machine(&server, &other, "m").await.0, id);
}

#[tokio::test]
async fn machine_admin_requires_an_admin() {
    let server = TestServer::start().await;
    let (_, key) = server.auth_key(json!({})).await;
    let (id, token) = machine(&server, &key, "m").await;
    let body = json!({ "action": "delete", "org_id": ACME, "machine_id": id });
    let member = server.token(MEMBER).await;
    let call = async |token: &str, body: &Value| {
        let answer = server.post("/api/machine-admin", token, body).await;
        (answer.status.as_u16(), answer.code().to_owned())
    };
    assert_eq!(call("", &body).await, (401, "UNAUTHORIZED".into()));
    assert_eq!(call(&token, &body).await, (401, "UNAUTHORIZED".into()));
    assert_eq!(call(&member, &body).await, (403, "FORBIDDEN".into()));
    assert_eq!(server.administer("explode", &id).await.code(), "INVALID_ACTION");
    let admin = server.token(ADMIN).await;
    let without = json!({ "action": "delete", "org_id": ACME });
    assert_eq!(call(&admin, &without).await, (400, "MISSING_FIELDS".into()));
    let set = json!({ "action": "set_tags", "org_id": ACME, "machine_id": id, "tags": ["tag:z"] });
    let answer = server.post("/api/machine-admin", &admin, &set).await;
    assert_eq!(answer.data()["machine"]["tags"], json!(["z"]));
}

#[tokio::test]
async fn machines_add_tags_within_allowed_tags() {
    let server = TestServer::start().await;
    let (_, key) = server.auth_key(json!({ "allowed_tags": ["a", "b"], "tags": ["z"] })).await;
    let (_, token) = machine(&server, &key, "m").await;
    let add = async |tags: Value| server.post("/api/machine-tags", &token, &json!({ "tags": tags })).await;
    let added = add(json!(["tag:b", "tag:b"])).await;
    assert_eq!(added.data()["machine"]["tags"], json!(["z", "b"]));
    assert_eq!(add(json!(["c"])).await.code(), "TAG_NOT_ALLOWED");
    assert_eq!(add(json!(["no such, tag"])).await.code(), "INVALID_INPUT");
    assert_eq!(add(json!(null)).await.code(), "MISSING_FIELDS");

    let (_, open) = server.auth_key(json!({})).await;
    let (_, token) = machine(&server, &open, "hoarder").await;
    let add = async |from: u8| {
        let tags: Vec<String> = (from..from + 40).map(|n| format!("t{n}")).collect();
        server.post("/api/machine-tags", &token, &json!({ "tags": tags })).await
    };
    assert_eq!(add(0).await.status, 200);
    assert_eq!(add(40).await.code(), "INVALID_INPUT");
    assert_eq!(add(20).await.data()["machine"]["tags"].as_array().unwrap().len(), 60);
}

#[tokio::test]
async fn logout_removes_only_ephemeral_machines() {
    let server = TestServer::start().await;
    let (key_id, lasting) = server.auth_key(json!({ "reusable": true })).await;
    let (_, ephemeral) = server.auth_key(json!({ "ephemeral": true })).await;
    let (id, token) = machine(&server, &lasting, "stays").await;
    let (_, gone) = machine(&server, &ephemeral, "goes").await;
    for (token, removed) in [(&token, false), (&gone, true)] {
        let out = server.post("/api/machine-logout", token, &json!({})).await;
        assert_eq!(out.data(), &json!({ "removed": removed }));
        assert_eq!(server.post("/api/machine-logout", token, &json!({})).await.code(), "UNAUTHORIZED");
    }
    assert_eq!(server.counts(&key_id).await, (1, 1, 1));
    assert_eq!(machine(&server, &lasting, "stays").await.0, id);
}
