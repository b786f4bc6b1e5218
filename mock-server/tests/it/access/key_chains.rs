//! What API keys issue: no API keys by any entrance, and auth keys that end when the API key is revoked.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use mock_server::domain::key::material::sha256;
use mock_server::store::{Location, Store};
use serde_json::{Value, json};

use crate::test_server::{ACME, ADMIN, OWNER, TestServer};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn issue(server: &TestServer, bearer: &str, fields: Value) -> (String, String) {
    let mut body = json!({ "action": "create_auth_key", "org_id": ACME, "name": "issued", "reusable": true });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let made = server.post("/api/key-management", bearer, &body).await.into_data();
    (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn api_keys_issue_no_api_keys_by_any_entrance() {
    let server = TestServer::start().await;
    for scopes in [Value::Null, json!([]), json!(["admin"]), json!(["admin", "read"])] {
        let (key, _) = server.api_key(scopes.clone(), 1000).await;
        let create = json!({ "action": "create_api_key", "org_id": ACME, "name": "child", "expiry_days": 1 });
        let invalid =
            json!({ "action": "create_api_key", "org_id": ACME, "name": "child", "expiry_days": 0 });
        let insert = server.client_key("child", &scopes.to_string());
        for (path, body) in [
            ("/api/key-management", &create),
            ("/api/api-keys", &create),
            ("/api/key-management", &invalid),
            ("/api/db/api_keys", &insert),
        ] {
            let refused = server.post(path, &key, body).await;
            assert_eq!(refused.status_and_code(), (403, "FORBIDDEN"), "{scopes} {path} {body}");
            assert!(refused.message().contains("session"), "{}", refused.text);
        }
    }
    let listed = server.get("/api/db/api_keys?name=eq.child", &server.token(ADMIN).await).await;
    assert_eq!(listed.into_data(), json!([]));
}

#[tokio::test]
async fn keys_without_the_admin_scope_are_told_so_first() {
    let server = TestServer::start().await;
    for scopes in [json!(["write"]), json!(["machines", "read"]), json!(["read", "write"])] {
        let (key, _) = server.api_key(scopes.clone(), 1000).await;
        let refused = server.post("/api/db/api_keys", &key, &server.client_key("child", "s")).await;
        assert_eq!(refused.status_and_code(), (403, "INSUFFICIENT_SCOPE"), "{scopes}");
    }
}

#[tokio::test]
async fn revoking_an_api_key_revokes_the_auth_keys_it_issued() {
    let server = TestServer::start().await;
    let admin = server.token(ADMIN).await;
    for by_patch in [false, true] {
        let (api_key, row) = server.api_key(Value::Null, 1000).await;
        let (other, _) = server.api_key(Value::Null, 1000).await;
        let id = row["id"].as_str().unwrap();
        let (issued_id, issued) = issue(&server, &api_key, json!({ "expiry_days": 365 })).await;
        let (_, guides) = issue(&server, &api_key, json!({ "expires_in": 3600, "tags": ["tag:eng"] })).await;
        let (_, others) = issue(&server, &other, json!({})).await;
        let (_, sessions) = server.auth_key(json!({ "reusable": true })).await;
        for (name, key) in [("a", &issued), ("b", &guides), ("c", &others), ("d", &sessions)] {
            assert!(server.register(key, name).await.status.is_success(), "{name}");
        }
        if by_patch {
            let path = format!("/api/db/api_keys?id=eq.{id}");
            assert_eq!(server.send("PATCH", &path, &admin, r#"{"revoked": true}"#).await.status, 200);
        } else {
            let revoke = json!({ "action": "revoke_api_key", "org_id": ACME, "key_id": id });
            assert_eq!(server.post("/api/api-keys", &admin, &revoke).await.status, 200);
        }
        for (name, key) in [("a", &issued), ("b", &guides)] {
            assert_eq!(server.register(key, name).await.status_and_code(), (401, "INVALID_KEY"), "{name}");
        }
        for (name, key) in [("c", &others), ("d", &sessions)] {
            assert_eq!(
                server.register(key, name).await.status,
                200,
                "{name}: another issuer's key stays valid"
            );
        }
        let listed = server.get(&format!("/api/db/auth_keys?id=eq.{issued_id}"), &admin).await.into_data();
        assert_eq!(listed[0]["revoked"], true);
        let path = format!("/api/db/audit_logs?action=eq.revoke_auth_key&target=eq.{issued_id}");
        let logged = server.get(&path, &admin).await.into_data();
        assert_eq!(logged[0]["details"]["issued_by"], json!(format!("api-key:{id}")));
    }
}

#[tokio::test]
async fn an_expired_api_key_leaves_its_auth_keys_their_own_lifetime() {
    let server = TestServer::start().await;
    let (api_key, _) = server.api_key(Value::Null, 1000).await;
    let (_, issued) = issue(&server, &api_key, json!({ "expiry_days": 60 })).await;
    server.advance_clock(31 * DAY);
    assert_eq!(server.get("/api/user-orgs", &api_key).await.status, 401);
    assert_eq!(server.register(&issued, "m").await.status, 201);
    server.advance_clock(29 * DAY);
    assert_eq!(server.register(&issued, "m").await.code(), "INVALID_KEY");
}

#[tokio::test]
async fn machines_of_revoked_auth_keys_stay_enrolled() {
    let server = TestServer::start().await;
    let (api_key, row) = server.api_key(Value::Null, 1000).await;
    let (_, issued) = issue(&server, &api_key, json!({})).await;
    let machine = server.register(&issued, "m").await.into_data();
    let revoke = json!({ "action": "revoke_api_key", "org_id": ACME, "key_id": row["id"] });
    assert_eq!(server.manage(&revoke).await.status, 200);
    let token = machine["machine_token"].as_str().unwrap();
    assert_eq!(server.post("/api/heartbeat", token, &json!({})).await.status, 200);
}

#[tokio::test]
async fn sessions_still_issue_api_keys() {
    let server = TestServer::start().await;
    for email in [ADMIN, OWNER] {
        let create = json!({ "action": "create_api_key", "org_id": ACME, "name": "my-terraform-key" });
        let made = server.post("/api/key-management", &server.token(email).await, &create).await;
        assert_eq!(made.status, 201, "{email}");
        let key = made.data()["key"].as_str().unwrap().to_owned();
        assert_eq!(issue(&server, &key, json!({ "expires_in": 3600 })).await.1.len(), 75);
    }
}

/// The tables before API keys ended with their issuers.
const OLD_TABLES: [&str; 7] = [
    include_str!("../../../src/store/migrations/sqlite/0001_initial.sql"),
    include_str!("../../../src/store/migrations/sqlite/0002_network_map.sql"),
    include_str!("../../../src/store/migrations/sqlite/0003_relay.sql"),
    include_str!("../../../src/store/migrations/sqlite/0004_ended_sessions.sql"),
    include_str!("../../../src/store/migrations/sqlite/0005_identity.sql"),
    include_str!("../../../src/store/migrations/sqlite/0006_device_codes.sql"),
    include_str!("../../../src/store/migrations/sqlite/0007_attempts.sql"),
];

/// What earlier versions let API keys issue is in the audit log.
#[tokio::test]
async fn an_update_ends_the_chains_of_earlier_versions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plane.db");
    let location = Location::File(path.clone());
    let old = rusqlite::Connection::open(&path).unwrap();
    OLD_TABLES.iter().for_each(|script| old.execute_batch(script).unwrap());
    old.execute_batch(&format!(
        "PRAGMA user_version = 7;
         INSERT INTO organisations VALUES ('o', 'O', 10, 0);
         INSERT INTO api_keys (id, org_id, name, key_hash, key_prefix, expires_at, created_by, created_at) VALUES
             ('parent', 'o', 'p', '{0}1', 'p', 9, 'u', 0), ('child', 'o', 'c', '{0}2', 'p', 9, 'u', 0),
             ('grandchild', 'o', 'g', '{0}3', 'p', 9, 'u', 0);
         INSERT INTO auth_keys (id, org_id, name, key_hash, key_prefix, expires_at, created_by, created_at) VALUES
             ('issued', 'o', 'i', '{0}4', 'p', 9, 'u', 0), ('own', 'o', 'w', '{0}5', 'p', 9, 'u', 0);
         INSERT INTO audit_logs VALUES
             ('1', 'o', 'a@b', 'create_api_key', 'parent', '{{}}', 0),
             ('2', 'o', 'api-key:parent', 'create_api_key', 'child', '{{}}', 0),
             ('3', 'o', 'api-key:child', 'create_api_key', 'grandchild', '{{}}', 0),
             ('4', 'o', 'api-key:parent', 'create_auth_key', 'issued', '{{}}', 0),
             ('5', 'o', 'a@b', 'create_auth_key', 'own', '{{}}', 0);",
        sha256("x")
    ))
    .unwrap();
    drop(old);
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let store = Store::open(&location).unwrap();
    let rows = store.read(|tx| {
        let revoked =
            tx.all("SELECT id FROM api_keys WHERE revoked = 1 ORDER BY id", &[], |row| row.text(0))?;
        let issuers =
            tx.all("SELECT api_key_id FROM auth_keys ORDER BY id", &[], |row| row.optional_text(0))?;
        let logged =
            tx.all("SELECT id FROM audit_logs ORDER BY org_id, created_at, id", &[], |row| row.text(0))?;
        Ok::<_, mock_server::store::StoreError>((revoked, issuers, logged))
    });
    let (revoked, issuers, logged) = rows.await.unwrap();
    assert_eq!(logged, ["1", "2", "3", "4", "5"]);
    assert_eq!(revoked, ["child", "grandchild"]);
    assert_eq!(issuers, [Some("parent".to_owned()), None]);
}
