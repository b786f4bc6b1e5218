//! A quarantine binds a machine, its name and its public key: no registration slips out of it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use mock_server::store::Location;
use serde_json::{Value, json};

use crate::test_server::{ACME, ADMIN, Answer, GLOBEX, MEMBER, OUTSIDER, TestServer, key_of, public_key};

/// What happened to the machine after it was quarantined.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Since {
    Nothing,
    Logout,
    Delete,
    SecondQuarantine,
}

async fn with_session(server: &TestServer, email: &'static str, name: &str, public_key: &str) -> Answer {
    let body = json!({ "org_id": ACME, "name": name, "public_key": public_key });
    server.post("/api/register-machine", &server.token(email).await, &body).await
}

/// Another spelling of the same key: X25519 ignores the highest bit.
fn marked(key: &str) -> String {
    let mut bytes = BASE64_STANDARD.decode(key).unwrap();
    bytes[31] ^= 0x80;
    BASE64_STANDARD.encode(bytes)
}

#[tokio::test]
async fn no_registration_slips_out_of_a_quarantine() {
    for ephemeral in [false, true] {
        for since in [Since::Nothing, Since::Logout, Since::Delete, Since::SecondQuarantine] {
            let server = TestServer::start().await;
            let (first_id, first) =
                server.auth_key(json!({ "reusable": true, "ephemeral": ephemeral })).await;
            let (other_id, other) = server.auth_key(json!({ "reusable": true, "tags": ["prod"] })).await;
            let machine = server.register(&first, "Suspect").await.into_data();
            let (id, token) =
                (machine["machine"]["id"].as_str().unwrap(), machine["machine_token"].as_str().unwrap());
            let own_key = key_of("Suspect");
            assert_eq!(server.administer("quarantine", id).await.status, 200);
            let done = match since {
                Since::Nothing => 200,
                Since::Logout => server.post("/api/machine-logout", token, &json!({})).await.status.as_u16(),
                Since::Delete => server.administer("delete", id).await.status.as_u16(),
                Since::SecondQuarantine => server.administer("quarantine", id).await.status.as_u16(),
            };
            assert_eq!(done, 200, "{since:?}");
            let before = server.counts(&other_id).await;
            for (name, public_key) in [
                ("Suspect", own_key.clone()),
                ("Suspect", public_key(2)),
                ("another", own_key.clone()),
                ("another", marked(&own_key)),
                ("suspect", public_key(2)),
                ("SUSPECT", public_key(2)),
                (" Suspect ", public_key(2)),
                ("Ｓｕｓｐｅｃｔ", public_key(2)),
            ] {
                for key in [&first, &other] {
                    let refused = server.register_with(key, name, json!({ "public_key": public_key })).await;
                    assert_eq!(
                        refused.status_and_code(),
                        (403, "QUARANTINED"),
                        "{since:?} {name:?} {public_key}"
                    );
                }
                for email in [ADMIN, MEMBER] {
                    let refused = with_session(&server, email, name, &public_key).await;
                    assert_eq!(refused.status_and_code(), (403, "QUARANTINED"), "{since:?} {email} {name:?}");
                }
            }
            assert_eq!(server.counts(&other_id).await, before, "{since:?}: refusals leave no trace");
            assert_eq!(server.counts(&first_id).await.0, 1, "{since:?}");
            assert_eq!(server.register(&other, "bystander").await.status, 201);
            let swapped = server.register_with(&other, "bystander", json!({ "public_key": own_key })).await;
            assert_eq!(swapped.status_and_code(), (403, "QUARANTINED"), "{since:?}: on re-registration, too");

            let released = server.administer("release", id).await;
            assert_eq!(released.data()["machine"].is_null(), since == Since::Delete, "{since:?}");
            assert!(server.register(&first, "suspect").await.status.is_success(), "{since:?}");
        }
    }
}

#[tokio::test]
async fn a_quarantine_binds_one_organisation() {
    let server = TestServer::start().await;
    let (_, key) = server.auth_key(json!({})).await;
    let machine = server.register(&key, "m").await.into_data();
    let id = machine["machine"]["id"].as_str().unwrap();
    server.administer("quarantine", id).await;
    let outsider = server.token(OUTSIDER).await;
    let body = json!({ "org_id": GLOBEX, "name": "m", "public_key": key_of("m") });
    assert_eq!(server.post("/api/register-machine", &outsider, &body).await.status, 201);
    server.administer("delete", id).await;
    let release = json!({ "action": "release", "org_id": GLOBEX, "machine_id": id });
    let refused = server.post("/api/machine-admin", &outsider, &release).await;
    assert_eq!(refused.status_and_code(), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn only_release_acts_on_a_deleted_quarantined_machine() {
    let server = TestServer::start().await;
    let (_, key) = server.auth_key(json!({ "reusable": true })).await;
    let machine = server.register(&key, "m").await.into_data();
    let id = machine["machine"]["id"].as_str().unwrap();
    server.administer("quarantine", id).await;
    server.administer("delete", id).await;
    for action in ["quarantine", "approve", "delete"] {
        assert_eq!(server.administer(action, id).await.status_and_code(), (404, "NOT_FOUND"), "{action}");
    }
    let member = json!({ "action": "release", "org_id": ACME, "machine_id": id });
    let refused = server.post("/api/machine-admin", &server.token(MEMBER).await, &member).await;
    assert_eq!(refused.status_and_code(), (403, "FORBIDDEN"));
    assert_eq!(server.administer("release", id).await.data(), &json!({ "machine": Value::Null }));
    assert_eq!(server.administer("release", id).await.status_and_code(), (404, "NOT_FOUND"));
    assert_eq!(server.register(&key, "m").await.status, 201);
}

#[tokio::test]
async fn deleting_a_machine_that_is_not_quarantined_frees_its_name_and_key() {
    let server = TestServer::start().await;
    let (_, key) = server.auth_key(json!({ "reusable": true })).await;
    let machine = server.register(&key, "m").await.into_data();
    let id = machine["machine"]["id"].as_str().unwrap();
    server.administer("quarantine", id).await;
    server.administer("release", id).await;
    server.administer("delete", id).await;
    assert_eq!(server.register(&key, "m").await.status, 201);
}

/// Otherwise, a member's machine would be admitted without approval.
#[tokio::test]
async fn a_released_machine_still_awaits_approval() {
    let server = TestServer::start().await;
    let machine = with_session(&server, MEMBER, "m", &public_key(3)).await.into_data();
    let (id, token) =
        (machine["machine"]["id"].as_str().unwrap(), machine["machine_token"].as_str().unwrap());
    server.administer("quarantine", id).await;
    server.administer("quarantine", id).await;
    let released = server.administer("release", id).await;
    assert_eq!(released.data()["machine"]["status"], "pending");
    let beat = server.post("/api/heartbeat", token, &json!({})).await;
    assert_eq!(beat.data()["machine"]["status"], "pending");
}

#[tokio::test]
async fn quarantines_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::File(folder.path().join("plane.db"));
    let server = TestServer::open(location.clone(), 1).await;
    let (_, key) = server.auth_key(json!({ "reusable": true })).await;
    let machine = server.register(&key, "m").await.into_data();
    let id = machine["machine"]["id"].as_str().unwrap();
    server.administer("quarantine", id).await;
    server.administer("delete", id).await;
    drop(server);
    let server = TestServer::open(location, 2).await;
    assert_eq!(server.register(&key, "M").await.code(), "QUARANTINED");
}
