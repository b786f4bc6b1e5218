//! A machine's life after its registration: heartbeats, tags, measures against it, logout, reaping.

use std::time::Duration;

use serde_json::{Value, json};

use crate::control::reference::{ACME, ADMIN, MEMBER, Reference, public_key};

const MINUTE: Duration = Duration::from_secs(60);

/// A new machine: its id and its token.
async fn machine(reference: &Reference, key: &str, name: &str) -> (String, String) {
    let answer = reference.register(key, name).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&answer.data()["machine"]["id"]), text(&answer.data()["machine_token"]))
}

async fn administer(
    reference: &Reference,
    action: &str,
    machine_id: &str,
) -> crate::control::reference::Answer {
    let token = reference.token(ADMIN).await;
    let body = json!({ "action": action, "org_id": ACME, "machine_id": machine_id });
    reference.post("/api/machine-admin", Some(&token), &body).await
}

#[tokio::test]
async fn heartbeats_tell_online_from_offline() {
    let reference = Reference::start().await;
    let (_, key) = reference.auth_key(json!({})).await;
    let (_, token) = machine(&reference, &key, "m").await;
    let beat = async |body: Value| reference.post("/api/heartbeat", Some(&token), &body).await;
    let off = beat(json!({ "status": "offline", "version": "9" })).await;
    assert_eq!(off.data()["machine"]["status"], json!("offline"));
    assert_eq!(off.data()["machine"]["version"], json!("9"));
    let bare = reference.post_raw("/api/heartbeat", Some(&token), "").await;
    assert_eq!(bare.data()["machine"]["status"], json!("online"));
    assert_eq!(bare.data()["machine"]["version"], json!("9"));
    assert_eq!(beat(json!({ "status": "quarantined" })).await.code(), "INVALID_INPUT");
    for wrong in [None, Some("ztm_00"), Some("x")] {
        assert_eq!(reference.post("/api/heartbeat", wrong, &json!({})).await.code(), "UNAUTHORIZED");
    }
}

#[tokio::test]
async fn ephemeral_machines_go_after_half_an_hour_of_silence_and_no_others() {
    let reference = Reference::start().await;
    let (id, ephemeral) = reference.auth_key(json!({ "reusable": true, "ephemeral": true })).await;
    let (_, lasting) = reference.auth_key(json!({ "reusable": true })).await;
    machine(&reference, &ephemeral, "silent").await;
    machine(&reference, &lasting, "lasting").await;
    let (_, alive) = machine(&reference, &ephemeral, "alive").await;
    reference.advance(29 * MINUTE).await;
    assert_eq!(reference.counts(&id).await, (2, 3, 3));
    assert_eq!(reference.post("/api/heartbeat", Some(&alive), &json!({})).await.status, 200);
    reference.advance(MINUTE).await;
    assert_eq!(reference.counts(&id).await, (2, 2, 2));
    assert_eq!(reference.post("/api/heartbeat", Some(&alive), &json!({})).await.status, 200);
    reference.advance(30 * MINUTE).await;
    assert_eq!(reference.post("/api/heartbeat", Some(&alive), &json!({})).await.code(), "UNAUTHORIZED");
    assert_eq!(reference.counts(&id).await, (2, 1, 1));
}

#[tokio::test]
async fn quarantine_holds_until_released_whatever_the_machine_tries() {
    let reference = Reference::start().await;
    let (key_id, key) = reference.auth_key(json!({ "reusable": true, "ephemeral": true })).await;
    let (id, token) = machine(&reference, &key, "m").await;
    let put = administer(&reference, "quarantine", &id).await;
    assert_eq!(put.data()["machine"]["status"], json!("quarantined"));
    assert_eq!(reference.post("/api/heartbeat", Some(&token), &json!({})).await.code(), "QUARANTINED");
    assert_eq!(reference.register(&key, "m").await.code(), "QUARANTINED");
    assert_eq!(reference.counts(&key_id).await, (1, 1, 1));
    let tags = json!({ "tags": ["x"] });
    assert_eq!(reference.post("/api/machine-tags", Some(&token), &tags).await.code(), "QUARANTINED");
    administer(&reference, "release", &id).await;
    let beat = reference.post("/api/heartbeat", Some(&token), &json!({})).await;
    assert_eq!(beat.data()["machine"]["status"], json!("online"));

    administer(&reference, "quarantine", &id).await;
    let out = reference.post("/api/machine-logout", Some(&token), &json!({})).await;
    assert_eq!(out.data(), &json!({ "removed": false }));
    assert_eq!(reference.register(&key, "m").await.code(), "QUARANTINED");
    let admin = reference.token(ADMIN).await;
    let session = json!({ "org_id": ACME, "name": "m", "public_key": public_key(1) });
    let again = reference.post("/api/register-machine", Some(&admin), &session).await;
    assert_eq!(again.code(), "QUARANTINED");
    assert_eq!(
        administer(&reference, "approve", &id).await.data()["machine"]["status"],
        json!("quarantined")
    );
}

#[tokio::test]
async fn silence_is_no_way_out_of_quarantine() {
    let reference = Reference::start().await;
    let (key_id, key) = reference.auth_key(json!({ "reusable": true, "ephemeral": true })).await;
    let (id, token) = machine(&reference, &key, "m").await;
    administer(&reference, "quarantine", &id).await;
    reference.advance(24 * 60 * MINUTE).await;
    assert_eq!(reference.register(&key, "m").await.code(), "QUARANTINED");
    assert_eq!(reference.counts(&key_id).await, (1, 1, 1));

    administer(&reference, "release", &id).await;
    reference.advance(29 * MINUTE).await;
    let beat = reference.post("/api/heartbeat", Some(&token), &json!({})).await;
    assert_eq!(beat.data()["machine"]["status"], json!("online"));
    reference.advance(30 * MINUTE).await;
    assert_eq!(reference.counts(&key_id).await, (1, 0, 0));
}

#[tokio::test]
async fn whether_a_machine_is_reaped_is_up_to_the_credential_it_was_let_in_with_last() {
    let reference = Reference::start().await;
    let (key_id, ephemeral) = reference.auth_key(json!({ "reusable": true, "ephemeral": true })).await;
    let (_, lasting) = reference.auth_key(json!({ "reusable": true })).await;
    let (id, _) = machine(&reference, &ephemeral, "m").await;
    assert_eq!(machine(&reference, &lasting, "m").await.0, id);
    reference.advance(60 * MINUTE).await;
    assert_eq!(reference.counts(&key_id).await, (1, 1, 1));
    assert_eq!(machine(&reference, &ephemeral, "m").await.0, id);
    reference.advance(30 * MINUTE).await;
    assert_eq!(reference.counts(&key_id).await, (2, 0, 0));
}

#[tokio::test]
async fn deleting_frees_the_name_but_re_arms_no_key() {
    let reference = Reference::start().await;
    let (key_id, key) = reference.auth_key(json!({})).await;
    let (id, token) = machine(&reference, &key, "m").await;
    assert_eq!(administer(&reference, "delete", &id).await.status, 200);
    assert_eq!(
        administer(&reference, "delete", &id).await.refusal(),
        (404, "NOT_FOUND", "Machine not found")
    );
    assert_eq!(reference.post("/api/heartbeat", Some(&token), &json!({})).await.code(), "UNAUTHORIZED");
    assert_eq!(reference.register(&key, "m").await.code(), "KEY_USED");
    assert_eq!(reference.counts(&key_id).await, (1, 0, 0));
    let (_, other) = reference.auth_key(json!({})).await;
    assert_ne!(machine(&reference, &other, "m").await.0, id);
}

#[tokio::test]
async fn machine_admin_is_for_admins() {
    let reference = Reference::start().await;
    let (_, key) = reference.auth_key(json!({})).await;
    let (id, token) = machine(&reference, &key, "m").await;
    let body = json!({ "action": "delete", "org_id": ACME, "machine_id": id });
    let member = reference.token(MEMBER).await;
    let call = async |token: Option<&str>, body: &Value| {
        let answer = reference.post("/api/machine-admin", token, body).await;
        (answer.status.as_u16(), answer.code().to_owned())
    };
    assert_eq!(call(None, &body).await, (401, "UNAUTHORIZED".into()));
    assert_eq!(call(Some(&token), &body).await, (401, "UNAUTHORIZED".into()));
    assert_eq!(call(Some(&member), &body).await, (403, "FORBIDDEN".into()));
    assert_eq!(administer(&reference, "explode", &id).await.code(), "INVALID_ACTION");
    let admin = reference.token(ADMIN).await;
    let without = json!({ "action": "delete", "org_id": ACME });
    assert_eq!(call(Some(&admin), &without).await, (400, "MISSING_FIELDS".into()));
    let set = json!({ "action": "set_tags", "org_id": ACME, "machine_id": id, "tags": ["tag:z"] });
    let answer = reference.post("/api/machine-admin", Some(&admin), &set).await;
    assert_eq!(answer.data()["machine"]["tags"], json!(["z"]));
}

#[tokio::test]
async fn machines_add_tags_within_what_their_key_allows() {
    let reference = Reference::start().await;
    let (_, key) = reference.auth_key(json!({ "allowed_tags": ["a", "b"], "tags": ["z"] })).await;
    let (_, token) = machine(&reference, &key, "m").await;
    let add =
        async |tags: Value| reference.post("/api/machine-tags", Some(&token), &json!({ "tags": tags })).await;
    let added = add(json!(["tag:b", "tag:b"])).await;
    assert_eq!(added.data()["machine"]["tags"], json!(["z", "b"]));
    assert_eq!(add(json!(["c"])).await.code(), "TAG_NOT_ALLOWED");
    assert_eq!(add(json!(["no such, tag"])).await.code(), "INVALID_INPUT");
    assert_eq!(add(json!(null)).await.code(), "MISSING_FIELDS");

    let (_, open) = reference.auth_key(json!({})).await;
    let (_, token) = machine(&reference, &open, "hoarder").await;
    let add = async |from: u8| {
        let tags: Vec<String> = (from..from + 40).map(|n| format!("t{n}")).collect();
        reference.post("/api/machine-tags", Some(&token), &json!({ "tags": tags })).await
    };
    assert_eq!(add(0).await.status, 200);
    assert_eq!(add(40).await.code(), "INVALID_INPUT");
    assert_eq!(add(20).await.data()["machine"]["tags"].as_array().unwrap().len(), 60);
}

#[tokio::test]
async fn logout_removes_ephemeral_machines_and_keeps_others() {
    let reference = Reference::start().await;
    let (key_id, lasting) = reference.auth_key(json!({ "reusable": true })).await;
    let (_, ephemeral) = reference.auth_key(json!({ "ephemeral": true })).await;
    let (id, token) = machine(&reference, &lasting, "stays").await;
    let (_, gone) = machine(&reference, &ephemeral, "goes").await;
    for (token, removed) in [(&token, false), (&gone, true)] {
        let out = reference.post("/api/machine-logout", Some(token), &json!({})).await;
        assert_eq!(out.data(), &json!({ "removed": removed }));
        assert_eq!(
            reference.post("/api/machine-logout", Some(token), &json!({})).await.code(),
            "UNAUTHORIZED"
        );
    }
    assert_eq!(reference.counts(&key_id).await, (1, 1, 1));
    assert_eq!(machine(&reference, &lasting, "stays").await.0, id);
}
