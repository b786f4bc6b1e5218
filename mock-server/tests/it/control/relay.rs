//! What remote relays ask the control plane, and how machines report their relay.

use mock_server::app::Config;
use serde_json::{Value, json};
use ztna_protocol::machine_token::TokenReference;
use ztna_protocol::relay::MembersQuestion;

use crate::test_server::{ACME, ADMIN, Answer, MEMBER, TestServer, public_key};

const PATH: &str = "/api/relay/members";
const SECRET: &str = "what-control-plane-and-relays-share";

async fn server() -> TestServer {
    TestServer::with(Config { relay_secret: Some(SECRET.to_owned()), ..TestServer::config() }).await
}

async fn register(server: &TestServer, name: &str, number: u8) -> (String, String) {
    let (_, key) = server.auth_key(json!({})).await;
    let answer = server.register_with(&key, name, json!({ "public_key": public_key(number) })).await;
    let text = |pointer: &str| answer.data().pointer(pointer).unwrap().as_str().unwrap().to_owned();
    (text("/machine/id"), text("/machine_token"))
}

async fn ask_members(server: &TestServer, tokens: &[&str]) -> Answer {
    let tokens: Vec<_> = tokens.iter().map(|token| TokenReference::to(token)).collect();
    server.post(PATH, SECRET, &json!(MembersQuestion::from(tokens))).await
}

#[tokio::test]
async fn relay_learns_admitted_machines_by_their_tokens() {
    let server = server().await;
    let (id, token) = register(&server, "a", 1).await;
    let (_, other) = register(&server, "b", 2).await;
    let body = json!({ "org_id": ACME, "name": "pending", "public_key": public_key(3) });
    let member = server.token(MEMBER).await;
    let pending = server.post("/api/register-machine", &member, &body).await;
    let pending = pending.data()["machine_token"].as_str().unwrap();

    let told = ask_members(&server, &[&other, "ztm_unknown", pending, &token]).await;
    let machine = |number| json!({ "org_id": ACME, "public_key": public_key(number) });
    assert_eq!(told.data()["members"], json!([machine(2), null, null, machine(1)]));

    let admin = server.token(ADMIN).await;
    for (action, told) in [("quarantine", Value::Null), ("release", machine(1)), ("delete", Value::Null)] {
        let body = json!({ "action": action, "org_id": ACME, "machine_id": id });
        server.post("/api/machine-admin", &admin, &body).await;
        assert_eq!(ask_members(&server, &[&token]).await.data()["members"], json!([told]), "{action}");
    }
}

#[tokio::test]
async fn relay_members_requires_the_secret_and_limits_hashes() {
    let server = server().await;
    let (_, token) = register(&server, "a", 1).await;
    let admin = server.token(ADMIN).await;
    for wrong in ["", admin.as_str(), token.as_str(), "what-control-plane-and-relays-shar"] {
        let refused = server.post(PATH, wrong, &json!({ "token_hashes": [] })).await;
        assert_eq!(refused.refusal(), (401, "UNAUTHORIZED", "Relay secret required"));
    }
    let refused = TestServer::start().await.post(PATH, SECRET, &json!({ "token_hashes": [] })).await;
    assert_eq!(refused.code(), "UNAUTHORIZED", "without a secret no remote relay is served");
    for (body, code) in [
        (json!({}), "MISSING_FIELDS"),
        (json!({ "token_hashes": "x" }), "INVALID_INPUT"),
        (json!({ "token_hashes": [7] }), "INVALID_INPUT"),
        (json!({ "token_hashes": vec!["x"; 901] }), "INVALID_INPUT"),
        (json!({ "token_hashes": ["x"], "machine_ids": [] }), "INVALID_INPUT"),
        (json!({ "token_hashes": ["x"], "machine_ids": [7] }), "INVALID_INPUT"),
        (json!({ "token_hashes": [], "machine_ids": {} }), "INVALID_INPUT"),
    ] {
        assert_eq!(server.post(PATH, SECRET, &body).await.code(), code, "{body}");
    }
}

#[tokio::test]
async fn network_map_names_the_relay_of_a_peer() {
    let server = server().await;
    let (_, watcher) = register(&server, "w", 1).await;
    let (_, token) = register(&server, "x", 2).await;
    let relay = async || {
        let map = server.get("/api/network-map", &watcher).await;
        map.data()["peers"][0]["relay"].clone()
    };
    for (beat, told) in [
        (json!({}), Value::Null),
        (json!({ "relay": "blr1" }), json!("blr1")),
        (json!({ "endpoints": [] }), json!("blr1")),
        (json!({ "status": "offline" }), Value::Null),
        (json!({ "relay": "blr1" }), json!("blr1")),
    ] {
        assert_eq!(server.post("/api/heartbeat", &token, &beat).await.status, 200);
        assert_eq!(relay().await, told, "{beat}");
    }
    for wrong in [json!("fra1"), json!("BLR1"), json!(7)] {
        let refused = server.post("/api/heartbeat", &token, &json!({ "relay": wrong })).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "INVALID_INPUT"), "{wrong}");
    }
    assert_eq!(relay().await, json!("blr1"), "a refused heartbeat changes nothing");
    server.post("/api/machine-logout", &token, &json!({})).await;
    assert_eq!(server.get("/api/network-map", &watcher).await.data()["peers"], json!([]));
}
