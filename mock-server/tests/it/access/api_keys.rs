//! API keys as bearers: how long, how often and for what they are believed.

use mock_server::domain::key::material::sha256;
use serde_json::{Value, json};

use crate::access::plane::{ACME, ADMIN, GLOBEX, Plane};

async fn row(plane: &Plane, id: &Value) -> Value {
    let path = format!("/api/db/api_keys?id=eq.{}", id.as_str().expect("an id"));
    plane.get(&path, &plane.token(ADMIN).await).await.data()[0].clone()
}

#[tokio::test]
async fn a_key_works_until_it_expires_or_is_revoked() {
    let plane = Plane::start().await;
    let (lasting, lasting_row) = plane.api_key(Value::Null, 1000).await;
    let (revoked, revoked_row) = plane.api_key(Value::Null, 1000).await;
    let organisations = plane.get("/api/user-orgs", &lasting).await.data();
    assert_eq!(organisations, json!([{ "org_id": ACME, "name": "Acme", "role": "admin" }]));

    let path = format!("/api/db/api_keys?id=eq.{}", revoked_row["id"].as_str().expect("an id"));
    let changed = plane.send("PATCH", &path, &lasting, r#"{"revoked": true}"#).await.data();
    assert_eq!(changed[0]["revoked"], true);
    assert_eq!(plane.get("/api/user-orgs", &revoked).await.refusal(), (401, "UNAUTHORIZED".into()));

    let wrong =
        format!("{}{}", &lasting[..lasting.len() - 1], if lasting.ends_with('0') { '1' } else { '0' });
    assert_eq!(plane.get("/api/user-orgs", &wrong).await.refusal(), (401, "UNAUTHORIZED".into()));

    plane.advance(30 * 86_400 - 60);
    assert_eq!(plane.get("/api/user-orgs", &lasting).await.status, 200);
    plane.advance(61);
    assert_eq!(plane.get("/api/user-orgs", &lasting).await.refusal(), (401, "UNAUTHORIZED".into()));
    assert_eq!(row(&plane, &lasting_row["id"]).await["revoked"], false);
}

#[tokio::test]
async fn the_limit_holds_for_a_minute_and_only_for_that_key() {
    let plane = Plane::start().await;
    let (key, created) = plane.api_key(json!(["machines"]), 3).await;
    let (other, _) = plane.api_key(Value::Null, 3).await;
    for _ in 0..2 {
        assert_eq!(plane.get("/api/db/machines", &key).await.status, 200);
    }
    // A use that the scopes refuse is a use.
    assert_eq!(plane.get("/api/db/auth_keys", &key).await.refusal(), (403, "INSUFFICIENT_SCOPE".into()));
    plane.advance(20);
    for _ in 0..2 {
        let answer = plane.get("/api/db/machines", &key).await;
        assert_eq!(answer.refusal(), (429, "RATE_LIMITED".into()));
        let retry_after: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((30..=40).contains(&retry_after), "{retry_after}");
    }
    assert_eq!(plane.get("/api/user-orgs", &other).await.status, 200);
    let counted = row(&plane, &created["id"]).await;
    assert_eq!(counted["usage_count"], 3);
    assert!(counted["last_used_at"].as_str() >= created["created_at"].as_str(), "{counted}");

    plane.advance(40);
    assert_eq!(plane.get("/api/db/machines", &key).await.status, 200);
    assert_eq!(row(&plane, &created["id"]).await["usage_count"], 4);
}

#[tokio::test]
async fn exactly_as_many_simultaneous_uses_as_allowed() {
    let plane = Plane::start().await;
    let (key, created) = plane.api_key(Value::Null, 20).await;
    let answers = futures::future::join_all((0..50).map(|_| plane.get("/api/user-orgs", &key))).await;
    let through = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((through, refused), (20, 30));
    assert_eq!(row(&plane, &created["id"]).await["usage_count"], 20);
}

#[tokio::test]
async fn scopes_bound_what_a_key_reaches() {
    let plane = Plane::start().await;
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
        let (key, _) = plane.api_key(scopes.clone(), 1000).await;
        for (path, allowed) in paths.into_iter().zip(readable) {
            let answer = plane.get(path, &key).await;
            if allowed == 1 {
                assert_eq!(answer.status, 200, "{scopes} {path}");
            } else {
                assert_eq!(answer.refusal(), (403, "INSUFFICIENT_SCOPE".into()), "{scopes} {path}");
            }
        }
        let another = plane.client_key("another", &scopes.to_string());
        let answer = plane.post("/api/db/api_keys", &key, &another).await;
        let expected = if manages == 1 { 201 } else { 403 };
        assert_eq!(answer.status, expected, "{scopes}: {}", answer.text);
        let issue = json!({ "action": "create_auth_key", "org_id": ACME, "name": "issued by a key" });
        let answer = plane.post("/api/key-management", &key, &issue).await;
        assert_eq!(answer.status, expected, "{scopes}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_key_is_at_home_in_one_organisation() {
    let plane = Plane::start().await;
    let (key, _) = plane.api_key(Value::Null, 1000).await;
    let foreign = format!("/api/db/machines?org_id={GLOBEX}");
    assert_eq!(plane.get(&foreign, &key).await.refusal(), (403, "FORBIDDEN".into()));
    let mut another = plane.client_key("elsewhere", "secret");
    another["org_id"] = GLOBEX.into();
    assert_eq!(plane.post("/api/db/api_keys", &key, &another).await.refusal(), (403, "FORBIDDEN".into()));
}

#[tokio::test]
async fn a_key_can_do_no_more_than_its_creator_still_may() {
    let plane = Plane::start().await;
    let (key, _) = plane.api_key(Value::Null, 1000).await;
    for (sql, machines, keys) in [
        ("UPDATE memberships SET role = 'member' WHERE role = 'admin' AND org_id = 'org_9fX2kR'", 200, 403),
        ("DELETE FROM memberships WHERE org_id = 'org_9fX2kR'", 403, 403),
    ] {
        plane.in_store(move |tx| Ok(tx.execute(sql, &[])?)).await;
        assert_eq!(plane.get("/api/db/machines", &key).await.status, machines);
        assert_eq!(plane.get("/api/db/auth_keys", &key).await.status, keys);
    }
}

#[tokio::test]
async fn no_key_and_no_hash_is_ever_answered() {
    let plane = Plane::start().await;
    let (key, created) = plane.api_key(Value::Null, 1000).await;
    let hash = sha256(&key);
    let answers = [
        created.to_string(),
        plane.get("/api/db/api_keys", &key).await.text,
        plane.get("/api/db/audit_logs", &key).await.text,
        plane.get("/api/db/api_keys?key_hash=is.null", &key).await.text,
        plane.get("/api/db/api_keys?select=key_hash", &key).await.text,
    ];
    for answer in answers {
        assert!(!answer.contains(&hash) && !answer.contains(&key), "{answer}");
    }
}
