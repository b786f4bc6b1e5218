//! What relays elsewhere ask, and where machines say that they listen.

use mock_server::domain::key::material::sha256;
use serde_json::{Value, json};

use crate::control::reference::{ACME, ADMIN, Answer, MEMBER, Reference, public_key};

const PATH: &str = "/api/relay/members";
const SECRET: &str = "what-control-plane-and-relays-share";

async fn reference() -> Reference {
    Reference::with_relay_secret(SECRET).await
}

async fn register(reference: &Reference, name: &str, number: u8) -> (String, String) {
    let (_, key) = reference.auth_key(json!({})).await;
    let answer = reference.register_with(&key, name, json!({ "public_key": public_key(number) })).await;
    let text = |pointer: &str| answer.data().pointer(pointer).unwrap().as_str().unwrap().to_owned();
    (text("/machine/id"), text("/machine_token"))
}

async fn ask(reference: &Reference, tokens: &[&str]) -> Answer {
    let hashes: Vec<String> = tokens.iter().map(|token| sha256(token)).collect();
    reference.post(PATH, Some(SECRET), &json!({ "token_hashes": hashes })).await
}

#[tokio::test]
async fn machines_that_are_let_in_are_told_by_their_tokens() {
    let reference = reference().await;
    let (id, token) = register(&reference, "a", 1).await;
    let (_, other) = register(&reference, "b", 2).await;
    let body = json!({ "org_id": ACME, "name": "pending", "public_key": public_key(3) });
    let member = reference.token(MEMBER).await;
    let pending = reference.post("/api/register-machine", Some(&member), &body).await;
    let pending = pending.data()["machine_token"].as_str().unwrap();

    let told = ask(&reference, &[&other, "ztm_unknown", pending, &token]).await;
    let machine = |number| json!({ "org_id": ACME, "public_key": public_key(number) });
    assert_eq!(told.data()["members"], json!([machine(2), null, null, machine(1)]));

    let admin = reference.token(ADMIN).await;
    for (action, told) in [("quarantine", Value::Null), ("release", machine(1)), ("delete", Value::Null)] {
        let body = json!({ "action": action, "org_id": ACME, "machine_id": id });
        reference.post("/api/machine-admin", Some(&admin), &body).await;
        assert_eq!(ask(&reference, &[&token]).await.data()["members"], json!([told]), "{action}");
    }
}

#[tokio::test]
async fn only_relays_may_ask_and_not_for_everything_at_once() {
    let reference = reference().await;
    let (_, token) = register(&reference, "a", 1).await;
    let admin = reference.token(ADMIN).await;
    for wrong in
        [None, Some(admin.as_str()), Some(token.as_str()), Some("what-control-plane-and-relays-shar")]
    {
        let refused = reference.post(PATH, wrong, &json!({ "token_hashes": [] })).await;
        assert_eq!(refused.refusal(), (401, "UNAUTHORIZED", "Relay secret required"));
    }
    let refused = Reference::start().await.post(PATH, Some(SECRET), &json!({ "token_hashes": [] })).await;
    assert_eq!(refused.code(), "UNAUTHORIZED", "without a secret no relay is served");
    for (body, code) in [
        (json!({}), "MISSING_FIELDS"),
        (json!({ "token_hashes": "x" }), "INVALID_INPUT"),
        (json!({ "token_hashes": [7] }), "INVALID_INPUT"),
        (json!({ "token_hashes": vec!["x"; 901] }), "INVALID_INPUT"),
    ] {
        assert_eq!(reference.post(PATH, Some(SECRET), &body).await.code(), code, "{body}");
    }
}

#[tokio::test]
async fn peers_are_told_at_which_relay_a_machine_listens() {
    let reference = reference().await;
    let (_, watcher) = register(&reference, "w", 1).await;
    let (_, token) = register(&reference, "x", 2).await;
    let relay = async || {
        let map = reference.get("/api/network-map", &watcher).await;
        map.data()["peers"][0]["relay"].clone()
    };
    for (beat, told) in [
        (json!({}), Value::Null),
        (json!({ "relay": "blr1" }), json!("blr1")),
        (json!({ "endpoints": [] }), json!("blr1")),
        (json!({ "status": "offline" }), Value::Null),
        (json!({ "relay": "blr1" }), json!("blr1")),
    ] {
        assert_eq!(reference.post("/api/heartbeat", Some(&token), &beat).await.status, 200);
        assert_eq!(relay().await, told, "{beat}");
    }
    for wrong in [json!("fra1"), json!("BLR1"), json!(7)] {
        let refused = reference.post("/api/heartbeat", Some(&token), &json!({ "relay": wrong })).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "INVALID_INPUT"), "{wrong}");
    }
    assert_eq!(relay().await, json!("blr1"), "what is refused changes nothing");
    reference.post("/api/machine-logout", Some(&token), &json!({})).await;
    assert_eq!(reference.get("/api/network-map", &watcher).await.data()["peers"], json!([]));
}
