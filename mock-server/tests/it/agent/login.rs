use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::agent::machine::{Machine, done, refused};

const CODE: &str = "/api/auth/device/code";
const TOKEN: &str = "/api/auth/device/token";

fn token() -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(json!({ "alg": "HS256" })), part(json!({ "email": "admin@acme.example" })))
}

async fn asked(expires_in: u64) -> Machine {
    let machine = Machine::fresh().await;
    let code = json!({
        "device_code": "the-device-code", "user_code": "WXYZ-1234", "verification_uri": "https://acme.example/device",
        "verification_uri_complete": "https://acme.example/device?user_code=WXYZ-1234",
        "expires_in": expires_in, "interval": 0,
    });
    machine.answers("POST", CODE, 200, code).await;
    machine
}

#[tokio::test]
async fn login_shows_the_code_and_stores_the_session() {
    let machine = asked(600).await;
    machine.answers_next("POST", TOKEN, 400, json!({ "error": "authorization_pending" }), 2).await;
    let granted = json!({ "access_token": token(), "token_type": "Bearer", "expires_in": 43_200 });
    machine.answers("POST", TOKEN, 200, granted).await;
    let login = machine.run(&["login"]);
    insta::assert_snapshot!(login.shown());
    assert_eq!(machine.requests().await.len(), 4);
    let polls = machine.control.received_requests().await.unwrap();
    assert_eq!(
        String::from_utf8_lossy(&polls[1].body),
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=the-device-code&client_id=ztna"
    );
    let state = machine.state();
    assert_eq!(
        (state["session"]["access_token"].as_str(), state["server"].as_str()),
        (Some(&*token()), Some(&*machine.control.uri()))
    );
    assert!(machine.run(&["status"]).stdout.contains("Authenticated: true"));
    assert_eq!(
        machine.run(&["auth-keys", "list"]).stderr,
        "not connected to an organization. Run 'ztna up' first\n"
    );
}

#[tokio::test]
async fn failed_logins_say_why() {
    for (status, answer, message) in [
        (400, json!({ "error": "access_denied" }), "the login was denied. Run 'ztna login' again\n"),
        (
            400,
            json!({ "error": "expired_token" }),
            "the code was not entered in time. Run 'ztna login' again\n",
        ),
        (
            400,
            json!({ "error": "invalid_grant", "error_description": "no such code" }),
            "login failed: invalid_grant: no such code\n",
        ),
        (401, refused("UNAUTHORIZED", "Who?"), "login failed: UNAUTHORIZED: Who?\n"),
    ] {
        let machine = asked(600).await;
        machine.answers("POST", TOKEN, status, answer).await;
        let login = machine.run(&["login"]);
        assert_eq!((login.code, login.stderr.as_str()), (Some(1), message));
        assert!(!machine.state_file().exists());
    }
}

#[tokio::test]
async fn login_ends_when_the_code_expires() {
    let machine = asked(1).await;
    machine.answers("POST", TOKEN, 400, json!({ "error": "authorization_pending" })).await;
    let login = machine.run(&["login"]);
    assert_eq!(login.stderr, "the code was not entered in time. Run 'ztna login' again\n");
}

#[tokio::test]
async fn login_accepts_enveloped_responses() {
    let machine = Machine::fresh().await;
    let code = json!({ "device_code": "d", "user_code": "u", "verification_uri": "v", "expires_in": 60, "interval": 0 });
    machine.answers("POST", CODE, 200, done(code)).await;
    machine.answers("POST", TOKEN, 200, done(json!({ "access_token": "opaque" }))).await;
    assert_eq!(machine.run(&["login"]).stdout.lines().last(), Some("Logged in as an unnamed user."));
}
