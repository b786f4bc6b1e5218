//! The device flow (RFC 8628): the agent's requests, approval by a session, and the page for people.

use std::time::Duration;

use mock_server::app::Config;
use serde_json::{Value, json};

use crate::test_server::{ADMIN, Answer, BASE_URL, MEMBER, TestServer};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn begin(server: &TestServer) -> Value {
    let answer = server.post("/api/auth/device/code", "", &json!({ "client_id": "ztna" })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body
}

async fn poll(server: &TestServer, code: &Value) -> Answer {
    let body = json!({ "grant_type": GRANT, "device_code": code["device_code"], "client_id": "ztna" });
    server.post("/api/auth/device/token", "", &body).await
}

async fn polling_error(server: &TestServer, code: &Value) -> String {
    let answer = poll(server, code).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    answer.body["error"].as_str().expect("a code").to_owned()
}

async fn submit(server: &TestServer, code: &str, email: &str, password: &str, decision: &str) -> Answer {
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("user_code", code), ("email", email), ("password", password), ("decision", decision)])
        .finish();
    server.send("POST", "/device", "", &form).await
}

#[tokio::test]
async fn device_gets_its_token_once_after_approval() {
    let server = TestServer::start().await;
    let code = begin(&server).await;
    assert_eq!((&code["expires_in"], &code["interval"]), (&json!(600), &json!(1)));
    assert_eq!(code["verification_uri"], format!("{BASE_URL}/device"));
    let user_code = code["user_code"].as_str().expect("text");
    assert_eq!(code["verification_uri_complete"], format!("{BASE_URL}/device?user_code={user_code}"));

    assert_eq!(polling_error(&server, &code).await, "authorization_pending");
    let typed = user_code.to_lowercase().replace('-', " ");
    let approval = json!({ "user_code": typed });
    let approve = server.post("/api/auth/device/approve", &server.token(MEMBER).await, &approval).await;
    assert_eq!(approve.body, json!({ "success": true, "data": {} }));

    let answer = poll(&server, &code).await;
    assert_eq!((answer.status.as_u16(), answer.headers["cache-control"].as_bytes()), (200, &b"no-store"[..]));
    let token = answer.body;
    assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("Bearer"), &json!(43_200)));
    let bearer = token["access_token"].as_str().expect("a token");
    assert_eq!(server.get("/api/user-orgs", bearer).await.into_data()[0]["role"], "member");

    assert_eq!(polling_error(&server, &code).await, "invalid_grant");
    let again = server.post("/api/auth/device/approve", &server.token(ADMIN).await, &approval).await;
    assert_eq!(again.status_and_code(), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn polling_too_often_slows_down() {
    let server = TestServer::with(Config {
        device_poll_interval: Some(Duration::from_secs(60)),
        ..TestServer::config()
    })
    .await;
    let code = begin(&server).await;
    assert_eq!(code["interval"], 60);
    assert_eq!(polling_error(&server, &code).await, "authorization_pending");
    assert_eq!(polling_error(&server, &code).await, "slow_down");
    server.advance_clock(Duration::from_secs(62));
    assert_eq!(polling_error(&server, &code).await, "slow_down");
    server.advance_clock(Duration::from_secs(70));
    assert_eq!(polling_error(&server, &code).await, "authorization_pending");
}

#[tokio::test]
async fn denied_and_expired_codes_give_no_token() {
    let server = TestServer::start().await;
    let denied = begin(&server).await;
    let body = json!({ "user_code": denied["user_code"], "approve": false });
    let admin = server.token(ADMIN).await;
    assert_eq!(server.post("/api/auth/device/approve", &admin, &body).await.status, 200);
    assert_eq!(polling_error(&server, &denied).await, "access_denied");

    let expired = begin(&server).await;
    server.advance_clock(Duration::from_secs(600));
    assert_eq!(polling_error(&server, &expired).await, "expired_token");
    let late = json!({ "user_code": expired["user_code"] });
    assert_eq!(
        server.post("/api/auth/device/approve", &admin, &late).await.status_and_code(),
        (404, "NOT_FOUND")
    );
    server.advance(Duration::from_secs(601)).await;
    assert_eq!(polling_error(&server, &expired).await, "invalid_grant");
}

#[tokio::test]
async fn bad_requests_get_oauth_errors() {
    let server = TestServer::start().await;
    let form = format!("grant_type={GRANT}&device_code=unknown");
    let another = begin(&server).await;
    let anothers = json!({ "grant_type": GRANT, "device_code": another["device_code"], "client_id": "else" })
        .to_string();
    for (path, body, error) in [
        ("token", "", "invalid_request"),
        ("token", "grant_type=password&device_code=x", "unsupported_grant_type"),
        ("token", &format!("grant_type={GRANT}"), "invalid_request"),
        ("token", &form, "invalid_grant"),
        ("token", &anothers, "invalid_grant"),
        ("token", "{", "invalid_request"),
        ("token", r#"{"grant_type": 1}"#, "invalid_request"),
        ("token", &"x".repeat(70_000), "invalid_request"),
        ("code", "{", "invalid_request"),
        ("code", &format!("client_id={}", "x".repeat(200)), "invalid_request"),
        ("code", "client_id=%00", "invalid_request"),
    ] {
        let answer = server.send("POST", &format!("/api/auth/device/{path}"), "", body).await;
        assert_eq!((answer.status.as_u16(), &answer.body["error"]), (400, &json!(error)), "{path} {body}");
    }
    // A request without a body begins a login for the client `ztna`.
    assert_eq!(server.send("POST", "/api/auth/device/code", "", "").await.status, 200);
}

#[tokio::test]
async fn api_key_cannot_approve_a_device() {
    let server = TestServer::start().await;
    let (key, _) = server.api_key(Value::Null, 100).await;
    let body = json!({ "user_code": begin(&server).await["user_code"] });
    assert_eq!(
        server.post("/api/auth/device/approve", &key, &body).await.status_and_code(),
        (403, "FORBIDDEN")
    );
    let admin = server.token(ADMIN).await;
    for (body, code) in [
        (json!({}), "MISSING_FIELDS"),
        (json!({ "user_code": 1 }), "INVALID_INPUT"),
        (json!({ "user_code": body["user_code"], "approve": "yes" }), "INVALID_INPUT"),
    ] {
        let answer = server.post("/api/auth/device/approve", &admin, &body).await;
        assert_eq!(answer.status_and_code(), (400, code), "{body}");
    }
}

#[tokio::test]
async fn device_page_requires_a_password() {
    let server = TestServer::start().await;
    let code = begin(&server).await;
    let user_code = code["user_code"].as_str().expect("text");
    let page = server.get(&format!("/device?user_code={user_code}"), "").await;
    assert_eq!(page.status, 200);
    assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
    assert!(page.text.contains(&format!("value=\"{user_code}\"")), "{}", page.text);
    let hostile = server.get("/device?user_code=%22%3E%3Cscript%3E&user_code=2", "").await;
    assert!(hostile.status == 200 && !hostile.text.contains("<script"), "{}", hostile.text);

    for (code, email, password, decision, status) in [
        (user_code, ADMIN, "wrong", "approve", 401),
        (user_code, "nobody@acme.example", "x", "approve", 401),
        (user_code, ADMIN, "", "approve", 400),
        ("", ADMIN, "ada-runs-acme", "approve", 400),
        (user_code, ADMIN, "ada-runs-acme", "perhaps", 400),
        ("BBBB-BBBB", ADMIN, "ada-runs-acme", "approve", 404),
    ] {
        let answer = submit(&server, code, email, password, decision).await;
        assert_eq!(answer.status, status, "{code} {email} {password} {decision}");
        assert!(!answer.text.contains("ada-runs-acme"));
        assert!(answer.text.contains("<form"), "the form can be submitted again");
    }
    assert_eq!(polling_error(&server, &code).await, "authorization_pending");
    let approved = submit(&server, user_code, ADMIN, "ada-runs-acme", "approve").await;
    assert!(approved.status == 200 && approved.text.contains("Approved"), "{}", approved.text);
    assert_eq!(poll(&server, &code).await.status, 200);

    let denied = begin(&server).await;
    let answer = submit(&server, denied["user_code"].as_str().unwrap(), ADMIN, "ada-runs-acme", "deny").await;
    assert!(answer.text.contains("Denied"), "{}", answer.text);
    assert_eq!(polling_error(&server, &denied).await, "access_denied");
}

/// Sessions that approve sessions end: a stolen one cannot be carried on without the password.
#[tokio::test]
async fn a_chain_of_sessions_ends_with_the_lifetime_of_the_first() {
    let server = TestServer::start().await;
    let lifetime = server.state.settings.session.lifetime();
    let mut token = server.token(MEMBER).await;
    for hours in 0..3 {
        let code = begin(&server).await;
        let approval = json!({ "user_code": code["user_code"] });
        let approved = server.post("/api/auth/device/approve", &token, &approval).await;
        assert_eq!(approved.status, 200, "after {hours} thirds of the lifetime: {}", approved.text);
        token = poll(&server, &code).await.body["access_token"].as_str().unwrap().to_owned();
        server.advance_clock(lifetime / 3 + Duration::from_secs(1));
    }
    assert_eq!(server.get("/api/user-orgs", &token).await.status, 200, "the last session is still valid");
    let code = begin(&server).await;
    let approval = json!({ "user_code": code["user_code"] });
    let refused = server.post("/api/auth/device/approve", &token, &approval).await;
    assert_eq!(refused.status_and_code(), (401, "UNAUTHORIZED"));
    assert!(refused.message().contains("log in again"), "{}", refused.text);
    assert_eq!(polling_error(&server, &code).await, "authorization_pending");
    let by_password =
        submit(&server, code["user_code"].as_str().unwrap(), MEMBER, "max-works-at-acme", "approve").await;
    assert_eq!(by_password.status, 200, "with the password, a new chain begins");
    token = poll(&server, &code).await.body["access_token"].as_str().unwrap().to_owned();
    let code = begin(&server).await;
    let approval = json!({ "user_code": code["user_code"] });
    assert_eq!(server.post("/api/auth/device/approve", &token, &approval).await.status, 200);
}
