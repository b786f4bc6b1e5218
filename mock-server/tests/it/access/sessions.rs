//! Access tokens: issuing, use and expiry.

use std::time::Duration;

use serde_json::json;

use axum::extract::ConnectInfo;

use crate::test_server::{ACME, ADMIN, GLOBEX, MEMBER, OUTSIDER, TestServer, request};

#[tokio::test]
async fn login_token_works_until_it_expires() {
    let server = TestServer::start().await;
    let body = json!({ "email": "Admin@Acme.example", "password": "ada-runs-acme" });
    let session = server.post("/api/auth/login", "", &body).await.into_data();
    let token = session["access_token"].as_str().expect("a token");
    assert_eq!(session["expires_in"], 43_200);

    let organisations = server.get("/api/user-orgs", token).await.into_data();
    assert_eq!(organisations, json!([{ "org_id": ACME, "name": "Acme", "role": "admin" }]));
    server.advance_clock(Duration::from_secs(43_190));
    assert_eq!(server.get("/api/user-orgs", token).await.status, 200);
    server.advance_clock(Duration::from_secs(10));
    assert_eq!(server.get("/api/user-orgs", token).await.status_and_code(), (401, "UNAUTHORIZED"));
}

#[tokio::test]
async fn bad_logins_are_refused() {
    let server = TestServer::start().await;
    let wrong = (401, "INVALID_CREDENTIALS");
    let cases = [
        (r#"{"email": "admin@acme.example", "password": "ada-runs-acm"}"#, wrong),
        (r#"{"email": "nobody@acme.example", "password": "ada-runs-acme"}"#, wrong),
        (r#"{"email": "' OR 1=1 --", "password": "x"}"#, wrong),
        (r#"{"password": "x"}"#, (400, "MISSING_FIELDS")),
        (r#"{"email": "admin@acme.example"}"#, (400, "MISSING_FIELDS")),
        (r#"{"email": 1, "password": "x"}"#, (400, "INVALID_INPUT")),
        (r#"{"email": "a\u0000", "password": "x"}"#, (400, "INVALID_INPUT")),
        ("{", (400, "INVALID_JSON")),
        ("[]", (400, "INVALID_JSON")),
    ];
    for (body, expected) in cases {
        let answer = server.send("POST", "/api/auth/login", "", body).await;
        assert_eq!(answer.status_and_code(), expected, "{body}");
        assert!(!answer.text.contains("ada-runs"), "{}", answer.text);
    }
}

#[tokio::test]
async fn invalid_bearers_are_unauthorized() {
    let server = TestServer::start().await;
    let token = server.token(ADMIN).await;
    let machine_token = format!("ztm_{}", "0".repeat(64));
    let api_key = format!("qztna_{}", "0".repeat(64));
    let broken = format!("{}A", &token[..token.len() - 2]);
    for bearer in ["", "x", &broken, &token[..token.len() - 5], &machine_token, &api_key, "ztna_", "a.b.c"] {
        for path in ["/api/user-orgs", "/api/db/auth_keys", "/api/db/api_keys", "/api/db/machines?x=eq.1"] {
            assert_eq!(
                server.get(path, bearer).await.status_and_code(),
                (401, "UNAUTHORIZED"),
                "{bearer} {path}"
            );
        }
        let answer = server.send("POST", "/api/auth/device/approve", bearer, "{").await;
        assert_eq!(answer.status_and_code(), (401, "UNAUTHORIZED"), "{bearer}");
    }
}

#[tokio::test]
async fn roles_are_per_organisation_and_current() {
    let server = TestServer::start().await;
    let (member, outsider) = (server.token(MEMBER).await, server.token(OUTSIDER).await);
    assert_eq!(server.get("/api/user-orgs", &member).await.into_data()[0]["role"], "member");
    assert_eq!(server.get("/api/user-orgs", &outsider).await.into_data()[0]["org_id"], GLOBEX);

    let path = format!("/api/db/auth_keys?org_id={ACME}");
    let admin = server.token(ADMIN).await;
    assert_eq!(server.get(&path, &admin).await.status, 200);
    server
        .in_store(|tx| {
            let sql = "UPDATE memberships SET role = 'member'
                       WHERE user_id = (SELECT id FROM users WHERE email = 'admin@acme.example')";
            tx.execute(sql, &[])?;
            Ok(())
        })
        .await;
    assert_eq!(server.get(&path, &admin).await.status_and_code(), (403, "FORBIDDEN"));
}

#[tokio::test]
async fn logout_ends_one_session() {
    let server = TestServer::start().await;
    let (ended, other) = (server.token(ADMIN).await, server.token(ADMIN).await);
    assert_eq!(
        server.post("/api/auth/logout", &ended, &json!({})).await.into_data(),
        json!({ "ended": true })
    );
    assert_eq!(server.get("/api/user-orgs", &ended).await.status_and_code(), (401, "UNAUTHORIZED"));
    assert_eq!(server.post("/api/auth/logout", &ended, &json!({})).await.code(), "UNAUTHORIZED");
    assert_eq!(server.get("/api/user-orgs", &other).await.status, 200);
    let (api_key, _) = server.api_key(json!(null), 60).await;
    for bearer in ["", "x", &api_key] {
        assert_eq!(
            server.send("POST", "/api/auth/logout", bearer, "").await.code(),
            "UNAUTHORIZED",
            "{bearer}"
        );
    }
    assert_eq!(server.get("/api/user-orgs", &api_key).await.status, 200);
}

#[tokio::test]
async fn ended_sessions_are_forgotten_once_their_tokens_have_expired() {
    let server = TestServer::start().await;
    let token = server.token(ADMIN).await;
    server.post("/api/auth/logout", &token, &json!({})).await;
    let count = async || {
        let counted = server
            .state
            .store
            .read(|tx| tx.optional("SELECT count(*) FROM ended_sessions", &[], |row| row.integer(0)));
        counted.await.unwrap().unwrap()
    };
    // Other replicas' clocks may be minutes behind.
    server.advance(Duration::from_secs(43_200 + 299)).await;
    assert_eq!(count().await, 1);
    server.advance(Duration::from_secs(2)).await;
    assert_eq!((count().await, server.get("/api/user-orgs", &token).await.status.as_u16()), (0, 401));
}

#[tokio::test]
async fn guessed_passwords_are_slowed_down_and_audited() {
    let server = TestServer::start().await;
    let login = async |address: &str, password: &str| {
        let body = json!({ "email": "Admin@acme.example", "password": password }).to_string();
        let mut request = request("POST", "/api/auth/login", "", &body);
        request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::new(address.parse().unwrap(), 1)));
        server.send_request(request).await
    };
    for _ in 0..5 {
        assert_eq!(login("192.0.2.1", "wrong").await.status, 401);
    }
    for _ in 0..3 {
        let delayed = login("192.0.2.1", "ada-runs-acme").await;
        assert_eq!(delayed.status_and_code(), (429, "RATE_LIMITED"), "even the right one");
        assert_eq!(delayed.headers["retry-after"], "1");
    }
    assert_eq!(login("192.0.2.2", "ada-runs-acme").await.status, 200, "from elsewhere");
    server.advance_clock(Duration::from_secs(1));
    assert_eq!(login("192.0.2.1", "ada-runs-acme").await.status, 200, "after the delay");

    let path = format!("/api/db/audit_logs?org_id={ACME}&action=eq.login_throttled");
    let entries = server.get(&path, &server.token(ADMIN).await).await.into_data();
    assert_eq!(entries.as_array().unwrap().len(), 1, "{entries}");
    assert_eq!(entries[0]["details"]["address"], "192.0.2.1");
}

#[tokio::test]
async fn guessed_device_codes_are_slowed_down() {
    let server = TestServer::start().await;
    let token = server.token(MEMBER).await;
    let guess = async |code: &str| {
        server.post("/api/auth/device/approve", &token, &json!({ "user_code": code })).await
    };
    for n in 0..5 {
        assert_eq!(guess(&format!("AAAA-AAA{n}")).await.status, 404);
    }
    assert_eq!(guess("AAAA-AAAA").await.status_and_code(), (429, "RATE_LIMITED"));
    let path = format!("/api/db/audit_logs?org_id={ACME}&action=eq.device_code_throttled");
    let entries = server.get(&path, &server.token(ADMIN).await).await.into_data();
    assert_eq!(entries.as_array().unwrap().len(), 1, "{entries}");
}
