//! API keys as credentials: expiry, revocation, rate limits and scopes.

use std::time::Duration;

use mock_server::domain::key::material::sha256;
use serde_json::{Value, json};

use crate::test_server::{ACME, ADMIN, GLOBEX, TestServer};

async fn row(server: &TestServer, id: &Value) -> Value {
    let path = format!("/api/db/api_keys?id=eq.{}", id.as_str().expect("an id"));
    server.get(&path, &server.token(ADMIN).await).await.into_data()[0].clone()
}

#[tokio::test]
async fn api_key_works_until_expired_or_revoked() {
    let server = TestServer::start().await;
    let (lasting, lasting_row) = server.api_key(Value::Null, 1000).await;
    let (revoked, revoked_row) = server.api_key(Value::Null, 1000).await;
    let organisations = server.get("/api/user-orgs", &lasting).await.into_data();
    assert_eq!(organisations, json!([{ "org_id": ACME, "name": "Acme", "role": "admin" }]));

    let path = format!("/api/db/api_keys?id=eq.{}", revoked_row["id"].as_str().expect("an id"));
    let changed = server.send("PATCH", &path, &lasting, r#"{"revoked": true}"#).await.into_data();
    assert_eq!(changed[0]["revoked"], true);
    assert_eq!(server.get("/api/user-orgs", &revoked).await.status_and_code(), (401, "UNAUTHORIZED"));

    let wrong =
        format!("{}{}", &lasting[..lasting.len() - 1], if lasting.ends_with('0') { '1' } else { '0' });
    assert_eq!(server.get("/api/user-orgs", &wrong).await.status_and_code(), (401, "UNAUTHORIZED"));

    server.advance_clock(Duration::from_secs(30 * 86_400 - 60));
    assert_eq!(server.get("/api/user-orgs", &lasting).await.status, 200);
    server.advance_clock(Duration::from_secs(61));
    assert_eq!(server.get("/api/user-orgs", &lasting).await.status_and_code(), (401, "UNAUTHORIZED"));
    assert_eq!(row(&server, &lasting_row["id"]).await["revoked"], false);
}

#[tokio::test]
async fn rate_limit_applies_per_key_and_minute() {
    let server = TestServer::start().await;
    let (key, created) = server.api_key(json!(["machines"]), 3).await;
    let (other, _) = server.api_key(Value::Null, 3).await;
    for _ in 0..2 {
        assert_eq!(server.get("/api/db/machines", &key).await.status, 200);
    }
    // A request that the scopes refuse counts against the limit too.
    assert_eq!(server.get("/api/db/auth_keys", &key).await.status_and_code(), (403, "INSUFFICIENT_SCOPE"));
    server.advance_clock(Duration::from_secs(20));
    for _ in 0..2 {
        let answer = server.get("/api/db/machines", &key).await;
        assert_eq!(answer.status_and_code(), (429, "RATE_LIMITED"));
        let retry_after: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((30..=40).contains(&retry_after), "{retry_after}");
    }
    assert_eq!(server.get("/api/user-orgs", &other).await.status, 200);
    let counted = row(&server, &created["id"]).await;
    assert_eq!(counted["usage_count"], 3);
    assert!(counted["last_used_at"].as_str() >= created["created_at"].as_str(), "{counted}");

    server.advance_clock(Duration::from_secs(40));
    assert_eq!(server.get("/api/db/machines", &key).await.status, 200);
    assert_eq!(row(&server, &created["id"]).await["usage_count"], 4);
}

#[tokio::test]
async fn rate_limit_is_exact_for_concurrent_requests() {
    let server = TestServer::start().await;
    let (key, created) = server.api_key(Value::Null, 20).await;
    let answers = futures::future::join_all((0..50).map(|_| server.get("/api/user-orgs", &key))).await;
    let through = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((through, refused), (20, 30));
    assert_eq!(row(&server, &created["id"]).await["usage_count"], 20);
}

#[tokio::test]
async fn scopes_limit_what_a_key_can_reach() {
    let server = TestServer::start().await;
    let paths = ["/api/db/machines", "/api/db/auth_keys", "/api/db/api_keys", "/api/db/audit_logs"];
    let cases = [
        (json!([]), [1, 1, 1, 1], 1),
        (json!(["admin"]), [1, 1, 1, 1], 1),
        (json!(["read"]), [1, 1, 1, 1], 0),
        (json!(["write"]), [0, 0, 0, 0], 0),
        (json!(["machines", "read"]), [1, 0, 0, 0], 0),
        (json!(["machines:read", "audit:read"]), [1, 0, 0, 1], 0),
        (json!(["dns", "acl", "billing"]), [0, 0, 0, 0], 0),
    ];
    for (scopes, readable, manages) in cases {
        let (key, _) = server.api_key(scopes.clone(), 1000).await;
        for (path, allowed) in paths.into_iter().zip(readable) {
            let answer = server.get(path, &key).await;
            if allowed == 1 {
                assert_eq!(answer.status, 200, "{scopes} {path}");
            } else {
                assert_eq!(answer.status_and_code(), (403, "INSUFFICIENT_SCOPE"), "{scopes} {path}");
            }
        }
        let expected = if manages == 1 { 201 } else { 403 };
        let issue = json!({ "action": "create_auth_key", "org_id": ACME, "name": "issued by a key" });
        let answer = server.post("/api/key-management", &key, &issue).await;
        assert_eq!(answer.status, expected, "{scopes}: {}", answer.text);
    }
}

#[tokio::test]
async fn api_key_cannot_reach_other_organisations() {
    let server = TestServer::start().await;
    let (key, _) = server.api_key(Value::Null, 1000).await;
    let foreign = format!("/api/db/machines?org_id={GLOBEX}");
    assert_eq!(server.get(&foreign, &key).await.status_and_code(), (403, "FORBIDDEN"));
    let mut another = server.client_key("elsewhere", "secret");
    another["org_id"] = GLOBEX.into();
    assert_eq!(server.post("/api/db/api_keys", &key, &another).await.status_and_code(), (403, "FORBIDDEN"));
}

#[tokio::test]
async fn api_key_loses_the_rights_its_creator_lost() {
    let server = TestServer::start().await;
    let (key, _) = server.api_key(Value::Null, 1000).await;
    for (sql, machines, keys) in [
        ("UPDATE memberships SET role = 'member' WHERE role = 'admin' AND org_id = 'org_9fX2kR'", 200, 403),
        ("DELETE FROM memberships WHERE org_id = 'org_9fX2kR'", 403, 403),
    ] {
        server.in_store(move |tx| Ok(tx.execute(sql, &[])?)).await;
        assert_eq!(server.get("/api/db/machines", &key).await.status, machines);
        assert_eq!(server.get("/api/db/auth_keys", &key).await.status, keys);
    }
}

#[tokio::test]
async fn responses_never_contain_keys_or_hashes() {
    let server = TestServer::start().await;
    let (key, created) = server.api_key(Value::Null, 1000).await;
    let hash = sha256(&key);
    let answers = [
        created.to_string(),
        server.get("/api/db/api_keys", &key).await.text,
        server.get("/api/db/audit_logs", &key).await.text,
        server.get("/api/db/api_keys?key_hash=is.null", &key).await.text,
        server.get("/api/db/api_keys?select=key_hash", &key).await.text,
    ];
    for answer in answers {
        assert!(!answer.contains(&hash) && !answer.contains(&key), "{answer}");
    }
}
