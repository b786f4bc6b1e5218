//! What cannot be read is refused, and never replaced by a default.

use axum::http::header;
use serde_json::{Value, json};

use crate::test_server::{ACME, ADMIN, MEMBER, OUTSIDER, TestServer, public_key, request};

#[tokio::test]
async fn a_field_is_given_once() {
    let server = TestServer::start().await;
    let admin = server.token(ADMIN).await;
    let (_, key) = server.auth_key(json!({ "reusable": true })).await;
    let register = format!(r#"{{"auth_key": "{key}", "name": "a", "n\u0061me": "b", "public_key": "x"}}"#);
    for (path, body) in [
        (
            "/api/key-management",
            r#"{"action": "create_auth_key", "org_id": "org_9fX2kR", "org_id": "org_b71LqT", "name": "k"}"#,
        ),
        (
            "/api/key-management",
            r#"{"action": "revoke_auth_key", "action": "create_auth_key", "org_id": "org_9fX2kR", "name": "k"}"#,
        ),
        (
            "/api/key-management",
            r#"{"action": "create_auth_key", "org_id": "org_9fX2kR", "name": "k", "reusable": false, "reusable": true}"#,
        ),
        ("/api/db/api_keys", r#"{"scopes": ["machines:read"], "scopes": ["admin"]}"#),
        (
            "/api/machine-admin",
            r#"{"action": "release", "action": "delete", "org_id": "org_9fX2kR", "machine_id": "m"}"#,
        ),
        ("/api/register-machine", &register),
        ("/api/auth/login", r#"{"email": "a@b", "password": "x", "password": "y"}"#),
    ] {
        let refused = server.send("POST", path, &admin, body).await;
        assert_eq!(refused.status_and_code(), (400, "INVALID_JSON"), "{path} {body}");
        assert!(refused.message().contains("twice"), "{}", refused.text);
    }
    assert_eq!(
        server.send("POST", "/api/auth/device/code", "", "client_id=a&other=1&other=2").await.status,
        200
    );
    for body in ["client_id=a&client_id=b", "client_id=a&client_id=", "client_id=%ff"] {
        let refused = server.send("POST", "/api/auth/device/code", "", body).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["error"]),
            (400, &json!("invalid_request")),
            "{body}"
        );
    }
}

#[tokio::test]
async fn of_two_credentials_none_counts() {
    let server = TestServer::start().await;
    let (admin, outsider) = (server.token(ADMIN).await, server.token(OUTSIDER).await);
    for (first, second) in [(&admin, &outsider), (&outsider, &admin), (&admin, &admin)] {
        let mut twice = request("GET", "/api/user-orgs", first, "");
        twice.headers_mut().append(header::AUTHORIZATION, format!("Bearer {second}").parse().unwrap());
        assert_eq!(server.send_request(twice).await.status_and_code(), (401, "UNAUTHORIZED"));
    }
    for bad in ["Bearer", "Bearer ", "Basic eA==", "bearer", "Bearer\u{a0}x", "\u{ff}"] {
        let mut unreadable = request("GET", "/api/user-orgs", "", "");
        let value = header::HeaderValue::from_bytes(bad.as_bytes()).unwrap();
        unreadable.headers_mut().insert(header::AUTHORIZATION, value);
        assert_eq!(server.send_request(unreadable).await.status_and_code(), (401, "UNAUTHORIZED"), "{bad:?}");
    }
}

#[tokio::test]
async fn queries_are_utf_8_and_numbers_are_whole() {
    let server = TestServer::start().await;
    let admin = server.token(ADMIN).await;
    for query in [
        "name=eq.%ff",
        "name=not.eq.%c0%af",
        "%ff=eq.x",
        "limit=",
        "limit=ten",
        "limit=-1",
        "limit=1.5",
        "limit=4294967296",
        "offset=0x1",
        "limit=1&limit=2",
        "used_count=eq.1.5",
        "used_count=eq.99999999999999999999",
        "reusable=eq.yes",
        "reusable=is.maybe",
        "created_at=gt.yesterday",
        "created_at=gt.2026-13-01",
    ] {
        let refused = server.get(&format!("/api/db/auth_keys?org_id={ACME}&{query}"), &admin).await;
        assert_eq!(refused.status_and_code(), (400, "INVALID_FILTER"), "{query}");
    }
}

#[tokio::test]
async fn numbers_and_booleans_of_another_kind_are_refused() {
    let server = TestServer::start().await;
    let admin = server.token(ADMIN).await;
    for (field, bad) in [
        ("reusable", json!("true")),
        ("reusable", json!(1)),
        ("ephemeral", json!("")),
        ("ephemeral", json!([])),
        ("expiry_days", json!("7")),
        ("expiry_days", json!(7.5)),
        ("expiry_days", json!(1e30)),
        ("expiry_days", json!(null)),
        ("expires_in", json!(-300)),
        ("expires_in", json!("1h")),
        ("expires_in", json!(u64::MAX)),
        ("allowed_tags", json!("a,b")),
        ("allowed_tags", json!([null])),
        ("allowed_cidrs", json!(["10.0.0.1"])),
        ("allowed_cidrs", json!(["10.0.0.0/8", ""])),
        ("tags", json!({})),
    ] {
        let mut body = json!({ "action": "create_auth_key", "org_id": ACME, "name": "k" });
        body[field] = bad;
        assert_eq!(
            server.post("/api/key-management", &admin, &body).await.status_and_code(),
            (400, "INVALID_INPUT"),
            "{body}"
        );
    }
    for bad in [json!("60"), json!(0), json!(1.5), json!(1e30), json!(-1), json!(true)] {
        let body = json!({ "action": "create_api_key", "org_id": ACME, "name": "k", "rate_limit_rpm": bad });
        assert_eq!(
            server.post("/api/key-management", &admin, &body).await.status_and_code(),
            (400, "INVALID_INPUT"),
            "{body}"
        );
    }
}

/// Rows as a newer version, or a hand, may have written them.
#[tokio::test]
async fn unreadable_rows_grant_nothing() {
    let server = TestServer::start().await;
    let (key, row) = server.api_key(json!(["machines"]), 1000).await;
    let id = row["id"].as_str().unwrap().to_owned();
    for (scopes, status) in [
        (r#"["machines","machines:only-mine"]"#, 403),
        (r#"["admin","but-not-really"]"#, 403),
        (r#"["machines"]"#, 200),
        ("[machines]", 500),
        ("null", 500),
        (r#"{"a":1}"#, 500),
        (r#"[1]"#, 500),
    ] {
        let id = id.clone();
        server
            .in_store(move |tx| {
                Ok(tx.execute(
                    "UPDATE api_keys SET scopes = ?2 WHERE id = ?1",
                    mock_server::values![&id, scopes],
                )?)
            })
            .await;
        assert_eq!(server.get("/api/db/machines", &key).await.status, status, "{scopes}");
    }

    let (auth_id, auth_key) =
        server.auth_key(json!({ "reusable": true, "allowed_cidrs": ["10.0.0.0/8"] })).await;
    for (column, value) in
        [("allowed_cidrs", r#"["10.0.0.0"]"#), ("allowed_cidrs", "10.0.0.0/8"), ("allowed_tags", "a")]
    {
        let auth_id = auth_id.clone();
        server
            .in_store(move |tx| {
                let sql = format!("UPDATE auth_keys SET {column} = ?2 WHERE id = ?1");
                Ok(tx.execute(&sql, mock_server::values![&auth_id, value])?)
            })
            .await;
        assert_eq!(server.register(&auth_key, "m").await.status, 500, "{column} {value}");
    }

    for (sql, path, bearer) in [
        ("UPDATE memberships SET role = 'root'", format!("/api/db/auth_keys?org_id={ACME}"), ADMIN),
        ("UPDATE memberships SET role = ''", format!("/api/db/machines?org_id={ACME}"), MEMBER),
    ] {
        server.in_store(move |tx| Ok(tx.execute(sql, &[])?)).await;
        assert_eq!(server.get(&path, &server.token(bearer).await).await.status, 500, "{sql}");
    }
}

#[tokio::test]
async fn a_machine_of_an_unknown_key_may_add_no_tags() {
    let server = TestServer::start().await;
    let (id, key) = server.auth_key(json!({})).await;
    let body = json!({ "auth_key": key, "name": "m", "public_key": public_key(4) });
    let machine = server.post("/api/register-machine", "", &body).await.into_data();
    server
        .in_store(move |tx| {
            tx.execute("PRAGMA defer_foreign_keys = 1", &[])?;
            tx.execute(
                "UPDATE machines SET auth_key_id = NULL WHERE auth_key_id = ?1",
                mock_server::values![&id],
            )?;
            Ok(tx.execute("DELETE FROM auth_keys WHERE id = ?1", mock_server::values![&id])?)
        })
        .await;
    let token = machine["machine_token"].as_str().unwrap();
    let refused = server.post("/api/machine-tags", token, &json!({ "tags": ["prod"] })).await;
    assert_eq!(refused.status_and_code(), (403, "TAG_NOT_ALLOWED"));
    assert_ne!(machine["machine"]["id"], Value::Null);
}
