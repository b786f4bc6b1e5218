//! `GET /api/changes`: when the lists of an organisation are worth reading again.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use crate::test_server::{ACME, ADMIN, GLOBEX, MEMBER, OUTSIDER, TestServer, public_key};

async fn version(server: &TestServer, token: &str, query: &str) -> String {
    let answer = server.get(&format!("/api/changes?org_id={ACME}{query}"), token).await;
    answer.data()["version"].as_str().unwrap_or_else(|| panic!("{}", answer.text)).to_owned()
}

#[tokio::test]
async fn every_change_that_lists_show_changes_the_version() {
    let server = TestServer::start().await;
    let (admin, member) = (server.token(ADMIN).await, server.token(MEMBER).await);
    let mut known = version(&server, &admin, "").await;
    assert_eq!(version(&server, &member, "").await, known);

    let create = json!({ "action": "create_auth_key", "org_id": ACME, "name": "k", "reusable": true });
    let key = server.post("/api/key-management", &admin, &create).await.into_data();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let mut changed = async |what: &str| {
        let now = version(&server, &admin, &format!("&since={known}&wait=50")).await;
        assert_ne!(now, known, "{what}");
        assert_eq!(version(&server, &admin, &format!("&since={now}&wait=0")).await, now, "{what}");
        known = now;
    };
    changed("a new auth key").await;
    server.register_with(&text(&key["key"]), "a", json!({ "public_key": public_key(1) })).await;
    changed("a machine").await;
    let body = json!({ "org_id": ACME, "name": "of-a-member", "public_key": public_key(2) });
    let pending = server.post("/api/register-machine", &member, &body).await.into_data();
    assert_eq!(pending["machine"]["status"], "pending");
    changed("a machine that awaits approval").await;
    let body = json!({ "action": "approve", "org_id": ACME, "machine_id": pending["machine"]["id"] });
    assert_eq!(server.post("/api/machine-admin", &admin, &body).await.status, 200);
    changed("an approval").await;
    let body = json!({ "action": "revoke_auth_key", "org_id": ACME, "key_id": key["id"] });
    assert_eq!(server.post("/api/key-management", &admin, &body).await.status, 200);
    changed("a revocation").await;
}

#[tokio::test]
async fn a_waiting_request_is_answered_by_the_change() {
    let server = TestServer::notifying().await;
    let admin = server.token(ADMIN).await;
    let create = json!({ "action": "create_auth_key", "org_id": ACME, "name": "k" });
    let key = server.post("/api/key-management", &admin, &create).await.into_data();
    let known = version(&server, &admin, "").await;
    let query = format!("&since={known}&wait=50");
    let (waited, ()) =
        tokio::join!(timeout(Duration::from_secs(30), version(&server, &admin, &query)), async {
            let public_key = json!({ "public_key": public_key(1) });
            server.register_with(key["key"].as_str().unwrap(), "a", public_key).await;
        });
    assert_ne!(waited.expect("an answer before the wait is over"), known);
}

#[tokio::test]
async fn strangers_and_narrow_keys_are_refused() {
    let server = TestServer::start().await;
    let (admin, outsider) = (server.token(ADMIN).await, server.token(OUTSIDER).await);
    let scoped = async |scope: &str| {
        let create = json!({ "action": "create_api_key", "org_id": ACME, "name": scope, "scopes": [scope] });
        let key = server.post("/api/key-management", &admin, &create).await.into_data();
        key["key"].as_str().unwrap().to_owned()
    };
    for (token, org_id, expected) in [
        ("", ACME, (401, "UNAUTHORIZED")),
        (outsider.as_str(), ACME, (403, "FORBIDDEN")),
        (admin.as_str(), GLOBEX, (403, "FORBIDDEN")),
        (admin.as_str(), "org_unknown", (403, "FORBIDDEN")),
        (admin.as_str(), "", (400, "MISSING_FIELDS")),
        (scoped("audit:read").await.as_str(), ACME, (403, "INSUFFICIENT_SCOPE")),
    ] {
        let answer = server.get(&format!("/api/changes?org_id={org_id}"), token).await;
        assert_eq!(answer.status_and_code(), expected, "{org_id}");
    }
    assert_eq!(version(&server, &scoped("machines:read").await, "").await.len(), 16);
}
