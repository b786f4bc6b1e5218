//! The device flow (RFC 8628), from the device's side, the session's and the page's.

use std::time::Duration;

use serde_json::{Value, json};

use crate::access::plane::{ADMIN, Answer, MEMBER, Plane};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn begin(plane: &Plane) -> Value {
    let answer = plane.post("/api/auth/device/code", "", &json!({ "client_id": "ztna" })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

async fn ask(plane: &Plane, code: &Value) -> Answer {
    let body = json!({ "grant_type": GRANT, "device_code": code["device_code"], "client_id": "ztna" });
    plane.post("/api/auth/device/token", "", &body).await
}

async fn told(plane: &Plane, code: &Value) -> String {
    let answer = ask(plane, code).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    answer.json()["error"].as_str().expect("a code").to_owned()
}

async fn submit(plane: &Plane, code: &str, email: &str, password: &str, decision: &str) -> Answer {
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("user_code", code), ("email", email), ("password", password), ("decision", decision)])
        .finish();
    plane.send("POST", "/device", "", &form).await
}

#[tokio::test]
async fn a_device_gets_its_token_once_after_approval() {
    let plane = Plane::start().await;
    let code = begin(&plane).await;
    assert_eq!((&code["expires_in"], &code["interval"]), (&json!(600), &json!(1)));
    assert_eq!(code["verification_uri"], "http://plane.test/device");
    let user_code = code["user_code"].as_str().expect("text");
    assert_eq!(code["verification_uri_complete"], format!("http://plane.test/device?user_code={user_code}"));

    assert_eq!(told(&plane, &code).await, "authorization_pending");
    let typed = user_code.to_lowercase().replace('-', " ");
    let approval = json!({ "user_code": typed });
    let approve = plane.post("/api/auth/device/approve", &plane.token(MEMBER).await, &approval).await;
    assert_eq!(approve.json(), json!({ "success": true, "data": {} }));

    let answer = ask(&plane, &code).await;
    assert_eq!((answer.status.as_u16(), answer.headers["cache-control"].as_bytes()), (200, &b"no-store"[..]));
    let token = answer.json();
    assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("Bearer"), &json!(43_200)));
    let bearer = token["access_token"].as_str().expect("a token");
    assert_eq!(plane.get("/api/user-orgs", bearer).await.data()[0]["role"], "member");

    assert_eq!(told(&plane, &code).await, "invalid_grant");
    let again = plane.post("/api/auth/device/approve", &plane.token(ADMIN).await, &approval).await;
    assert_eq!(again.refusal(), (404, "NOT_FOUND".into()));
}

#[tokio::test]
async fn who_asks_too_often_waits_longer() {
    let plane = Plane::polled_every(Duration::from_secs(60)).await;
    let code = begin(&plane).await;
    assert_eq!(code["interval"], 60);
    assert_eq!(told(&plane, &code).await, "authorization_pending");
    assert_eq!(told(&plane, &code).await, "slow_down");
    plane.advance(62);
    assert_eq!(told(&plane, &code).await, "slow_down");
    plane.advance(70);
    assert_eq!(told(&plane, &code).await, "authorization_pending");
}

#[tokio::test]
async fn a_code_that_was_denied_or_has_expired_opens_nothing() {
    let plane = Plane::start().await;
    let denied = begin(&plane).await;
    let body = json!({ "user_code": denied["user_code"], "approve": false });
    let admin = plane.token(ADMIN).await;
    assert_eq!(plane.post("/api/auth/device/approve", &admin, &body).await.status, 200);
    assert_eq!(told(&plane, &denied).await, "access_denied");

    let expired = begin(&plane).await;
    plane.advance(600);
    assert_eq!(told(&plane, &expired).await, "expired_token");
    let late = json!({ "user_code": expired["user_code"] });
    assert_eq!(
        plane.post("/api/auth/device/approve", &admin, &late).await.refusal(),
        (404, "NOT_FOUND".into())
    );
    plane.advance(601);
    begin(&plane).await;
    assert_eq!(told(&plane, &expired).await, "invalid_grant");
}

#[tokio::test]
async fn bad_requests_answer_in_oauths_format() {
    let plane = Plane::start().await;
    let form = format!("grant_type={GRANT}&device_code=unknown");
    let another = begin(&plane).await;
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
        let answer = plane.send("POST", &format!("/api/auth/device/{path}"), "", body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &json!(error)), "{path} {body}");
    }
    // No body at all begins a login of ztna's.
    assert_eq!(plane.send("POST", "/api/auth/device/code", "", "").await.status, 200);
}

#[tokio::test]
async fn an_api_key_cannot_make_a_session() {
    let plane = Plane::start().await;
    let (key, _) = plane.api_key(Value::Null, 100).await;
    let body = json!({ "user_code": begin(&plane).await["user_code"] });
    assert_eq!(
        plane.post("/api/auth/device/approve", &key, &body).await.refusal(),
        (403, "FORBIDDEN".into())
    );
    let admin = plane.token(ADMIN).await;
    for (body, code) in [
        (json!({}), "MISSING_FIELDS"),
        (json!({ "user_code": 1 }), "INVALID_INPUT"),
        (json!({ "user_code": body["user_code"], "approve": "yes" }), "INVALID_INPUT"),
    ] {
        let answer = plane.post("/api/auth/device/approve", &admin, &body).await;
        assert_eq!(answer.refusal(), (400, code.to_owned()), "{body}");
    }
}

#[tokio::test]
async fn the_page_decides_for_whoever_has_a_password() {
    let plane = Plane::start().await;
    let code = begin(&plane).await;
    let user_code = code["user_code"].as_str().expect("text");
    let page = plane.get(&format!("/device?user_code={user_code}"), "").await;
    assert_eq!(page.status, 200);
    assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
    assert!(page.text.contains(&format!("value=\"{user_code}\"")), "{}", page.text);
    let hostile = plane.get("/device?user_code=%22%3E%3Cscript%3E&user_code=2", "").await;
    assert!(hostile.status == 200 && !hostile.text.contains("<script"), "{}", hostile.text);

    for (code, email, password, decision, status) in [
        (user_code, ADMIN, "wrong", "approve", 401),
        (user_code, "nobody@acme.example", "x", "approve", 401),
        (user_code, ADMIN, "", "approve", 400),
        ("", ADMIN, "ada-runs-acme", "approve", 400),
        (user_code, ADMIN, "ada-runs-acme", "perhaps", 400),
        ("BBBB-BBBB", ADMIN, "ada-runs-acme", "approve", 404),
    ] {
        let answer = submit(&plane, code, email, password, decision).await;
        assert_eq!(answer.status, status, "{code} {email} {password} {decision}");
        assert!(!answer.text.contains("ada-runs-acme"));
        assert!(answer.text.contains("<form"), "can be tried again");
    }
    assert_eq!(told(&plane, &code).await, "authorization_pending");
    let approved = submit(&plane, user_code, ADMIN, "ada-runs-acme", "approve").await;
    assert!(approved.status == 200 && approved.text.contains("Approved"), "{}", approved.text);
    assert_eq!(ask(&plane, &code).await.status, 200);

    let denied = begin(&plane).await;
    let answer = submit(&plane, denied["user_code"].as_str().unwrap(), ADMIN, "ada-runs-acme", "deny").await;
    assert!(answer.text.contains("Denied"), "{}", answer.text);
    assert_eq!(told(&plane, &denied).await, "access_denied");
}
