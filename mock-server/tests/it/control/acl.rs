//! `/api/acl`: who may read and change access rules, and what is refused.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::test_server::{ACME, ADMIN, Answer, GLOBEX, MEMBER, OUTSIDER, OWNER, TestServer};

const PATH: &str = "/api/acl";

async fn read(server: &TestServer, bearer: &str) -> Answer {
    server.get(&format!("{PATH}?org_id={ACME}"), bearer).await
}

async fn put(server: &TestServer, bearer: &str, fields: Value) -> Answer {
    let mut body = json!({ "org_id": ACME });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    server.send("PUT", PATH, bearer, &body.to_string()).await
}

fn ssh() -> Value {
    json!([{ "src": ["tag:laptop"], "dst": ["tag:prod:22"], "proto": "tcp" }])
}

async fn api_key(server: &TestServer, scopes: &[&str]) -> String {
    let body = json!({ "action": "create_api_key", "org_id": ACME, "name": "k", "scopes": scopes });
    server.manage(&body).await.data()["key"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn rules_are_read_back_as_they_were_set() {
    let server = TestServer::start().await;
    let admin = server.token(ADMIN).await;
    let none = json!({ "version": 0, "rules": [], "updated_at": null });
    assert_eq!(read(&server, &admin).await.data(), &none);
    let rules = json!([
        { "action": "accept", "src": ["tag:laptop", "*"], "dst": ["tag:prod:22", "tag:web:80,443", "*:8000-8080"] },
        { "src": ["tag:ops"], "dst": ["*:*"], "proto": "icmp" },
    ]);
    let set = put(&server, &admin, json!({ "rules": rules })).await;
    assert_eq!(set.status, 200, "{set:?}");
    let expected = json!([
        { "src": ["tag:laptop", "*"], "dst": ["tag:prod:22", "tag:web:80,443", "*:8000-8080"], "proto": "any" },
        { "src": ["tag:ops"], "dst": ["*:*"], "proto": "icmp" },
    ]);
    assert_eq!((&set.data()["version"], &set.data()["rules"]), (&json!(1), &expected));
    assert_eq!(read(&server, &admin).await.data(), set.data());
    let again = put(&server, &admin, json!({ "rules": expected, "version": 1 })).await;
    assert_eq!(again.data(), set.data(), "nothing has changed");
    let logged = server.get("/api/db/audit_logs?action=set_access_rules", &admin).await.into_data();
    assert_eq!(logged.as_array().map(Vec::len), Some(1), "{logged}");
    assert_eq!((&logged[0]["actor"], &logged[0]["target"]), (&json!(ADMIN), &json!(ACME)));
    assert_eq!(logged[0]["details"], json!({ "version": 1, "rules": 2 }));
}

#[tokio::test]
async fn admins_and_owners_change_what_members_read() {
    let server = TestServer::start().await;
    for (user, writes) in [(ADMIN, 200), (OWNER, 200), (MEMBER, 403), (OUTSIDER, 403)] {
        let token = server.token(user).await;
        let reads = if user == OUTSIDER { 403 } else { 200 };
        assert_eq!(read(&server, &token).await.status, reads, "{user}");
        assert_eq!(put(&server, &token, json!({ "rules": ssh() })).await.status, writes, "{user}");
    }
    for (scopes, reads, writes) in [
        (&["acl"][..], 200, 200),
        (&["acl:read"], 200, 403),
        (&["acl:write"], 403, 200),
        (&["read"], 200, 403),
        (&["machines"], 403, 403),
        (&["admin"], 200, 200),
        (&[], 200, 200),
    ] {
        let key = api_key(&server, scopes).await;
        assert_eq!(read(&server, &key).await.status, reads, "{scopes:?}");
        assert_eq!(put(&server, &key, json!({ "rules": ssh() })).await.status, writes, "{scopes:?}");
    }
    assert_eq!(read(&server, "").await.status_and_code(), (401, "UNAUTHORIZED"));
    assert_eq!(put(&server, "", json!({})).await.status_and_code(), (401, "UNAUTHORIZED"));
    let theirs = server.get(&format!("{PATH}?org_id={GLOBEX}"), &server.token(OUTSIDER).await).await;
    assert_eq!(theirs.data()["rules"], json!([]), "another organisation's");
}

#[tokio::test]
async fn invalid_rules_are_refused_with_their_place_and_change_nothing() {
    let server = TestServer::start().await;
    let admin = server.token(ADMIN).await;
    let any = json!({ "src": ["*"], "dst": ["*:*"] });
    for (rules, place) in [
        (json!("x"), "rules must be an array"),
        (json!([any, 7]), "rules[1] must be an object"),
        (json!([{ "dst": ["*:*"] }]), "rules[0].src must be given"),
        (json!([{ "src": ["*"] }]), "rules[0].dst must be given"),
        (json!([{ "src": "*", "dst": ["*:*"] }]), "rules[0].src must be an array of strings"),
        (json!([any, { "src": ["laptop"], "dst": ["*:*"] }]), "rules[1].src[0]: invalid"),
        (json!([{ "src": ["*"], "dst": ["*:*", "tag:prod"] }]), "rules[0].dst[1]: invalid"),
        (json!([{ "src": ["*"], "dst": ["*:*"], "proto": "sctp" }]), "rules[0].proto: invalid"),
        (json!([{ "src": ["*"], "dst": ["*:*"], "proto": null }]), "rules[0].proto must be a string"),
        (json!([{ "src": ["*"], "dst": ["*:*"], "action": "deny" }]), "rules[0].action must be accept"),
        (json!([{ "src": ["*"], "dst": ["*:*"], "ports": ["22"] }]), "rules[0] must not have ports"),
        (json!(vec![any.clone(); 257]), "rules must not have more than 256"),
    ] {
        let answer = put(&server, &admin, json!({ "rules": rules })).await;
        let (status, code, message) = answer.refusal();
        assert_eq!((status, code), (400, "INVALID_INPUT"), "{place}: {answer:?}");
        assert!(message.starts_with(place) && message.len() < 250, "{place}: {message}");
    }
    let missing = put(&server, &admin, json!({})).await;
    assert_eq!(missing.refusal(), (400, "MISSING_FIELDS", "rules required"));
    for version in [json!(-1), json!("1"), json!(0.5)] {
        let answer = put(&server, &admin, json!({ "rules": [], "version": version })).await;
        assert_eq!(answer.status_and_code(), (400, "INVALID_INPUT"), "{version}");
    }
    let long = put(&server, &admin, json!({ "rules": ["x".repeat(70_000)] })).await;
    assert_eq!(long.status_and_code(), (413, "PAYLOAD_TOO_LARGE"));
    let unnamed = server.get(PATH, &admin).await;
    assert_eq!(unnamed.refusal(), (400, "MISSING_FIELDS", "org_id required"));
    assert_eq!(read(&server, &admin).await.data()["version"], json!(0));
}

#[tokio::test]
async fn two_admins_do_not_undo_each_others_changes() {
    let server = TestServer::start().await;
    let admin = server.token(ADMIN).await;
    let changes = (1..=8).map(|port| {
        let rules = json!([{ "src": ["*"], "dst": [format!("*:{port}")] }]);
        put(&server, &admin, json!({ "rules": rules, "version": 0 }))
    });
    let answers = join_all(changes).await;
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        let (status, code, message) = refused.refusal();
        assert_eq!((status, code), (409, "VERSION_CONFLICT"));
        assert!(message.contains("read version 1"), "{message}");
    }
    assert_eq!(read(&server, &admin).await.data()["version"], json!(1));
}
