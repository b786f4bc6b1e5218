//! Members register machines that await approval: neither their number nor their age fills the organisation.

use std::time::Duration;

use mock_server::control::ControlError;
use mock_server::values;
use serde_json::json;

use crate::test_server::{ACME, ADMIN, Answer, MEMBER, TestServer, key_of};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn register(server: &TestServer, email: &'static str, name: &str) -> Answer {
    let body = json!({ "org_id": ACME, "name": name, "public_key": key_of(name) });
    server.post("/api/register-machine", &server.token(email).await, &body).await
}

async fn limit_machines(server: &TestServer, limit: i64) {
    let sql = "UPDATE organisations SET machine_limit = ?2 WHERE id = ?1";
    server.in_store(move |tx| tx.execute(sql, values![ACME, limit]).map_err(ControlError::from)).await;
}

fn id(answer: &Answer) -> String {
    answer.data()["machine"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_member_cannot_fill_the_organisation() {
    let server = TestServer::start().await;
    limit_machines(&server, 3).await;
    for n in 0..10 {
        assert_eq!(register(&server, MEMBER, &format!("m{n}")).await.status, 201, "{n}");
    }
    let refused = register(&server, MEMBER, "one-more").await;
    assert_eq!(refused.status_and_code(), (403, "MACHINE_LIMIT_REACHED"));
    assert!(refused.message().contains("10 of your machines await approval"), "{}", refused.message());
    assert_eq!(register(&server, MEMBER, "m3").await.status, 200, "a known one registers again");
    let (_, key) = server.auth_key(json!({ "reusable": true })).await;
    for name in ["a", "b"] {
        assert_eq!(server.register(&key, name).await.status, 201, "{name}: the places are free");
    }
    assert_eq!(register(&server, ADMIN, "c").await.status, 201);
    assert_eq!(server.register(&key, "d").await.status_and_code(), (403, "MACHINE_LIMIT_REACHED"));
    assert_eq!(register(&server, MEMBER, "e").await.code(), "MACHINE_LIMIT_REACHED");
}

#[tokio::test]
async fn approval_takes_a_place() {
    let server = TestServer::start().await;
    limit_machines(&server, 1).await;
    let (first, second) =
        (register(&server, MEMBER, "first").await, register(&server, MEMBER, "second").await);
    assert_eq!(server.administer("approve", &id(&first)).await.status, 200);
    let full = server.administer("approve", &id(&second)).await;
    assert_eq!(full.status_and_code(), (403, "MACHINE_LIMIT_REACHED"));
    // An auth key and an admin's session admit it as well, and take a place.
    let (_, key) = server.auth_key(json!({ "reusable": true })).await;
    assert_eq!(server.register(&key, "second").await.code(), "MACHINE_LIMIT_REACHED");
    assert_eq!(register(&server, ADMIN, "second").await.code(), "MACHINE_LIMIT_REACHED");
    assert_eq!(server.administer("delete", &id(&first)).await.status, 200);
    assert_eq!(server.administer("approve", &id(&second)).await.status, 200);
    assert_eq!(server.administer("approve", &id(&second)).await.status, 200, "twice changes nothing");
}

#[tokio::test]
async fn machines_that_nobody_approves_are_forgotten() {
    let server = TestServer::start().await;
    let forgotten = register(&server, MEMBER, "forgotten").await;
    let waiting = register(&server, MEMBER, "waiting").await;
    let token = waiting.data()["machine_token"].as_str().unwrap().to_owned();
    for _ in 0..4 {
        server.advance(2 * DAY).await;
        assert_eq!(server.post("/api/heartbeat", &token, &json!({})).await.status, 200);
    }
    assert_eq!(server.administer("approve", &id(&forgotten)).await.code(), "NOT_FOUND");
    assert_eq!(server.administer("approve", &id(&waiting)).await.status, 200);
    let admin = server.token(ADMIN).await;
    let logged = server.get("/api/db/audit_logs?action=eq.forget_pending_machine", &admin).await.into_data();
    assert_eq!(logged[0]["target"], json!(id(&forgotten)));
    // Once approved, silence alone removes nothing.
    server.advance(30 * DAY).await;
    assert_eq!(server.post("/api/heartbeat", &token, &json!({})).await.status, 200);
}
