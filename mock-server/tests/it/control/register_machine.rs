//! Registration: chapters used-count and headless, and the restrictions of chapter generate.

use std::time::Duration;

use axum::extract::ConnectInfo;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::test_server::{ACME, ADMIN, MEMBER, TestServer, key_of, public_key, request};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn reregistration_keeps_id_and_address_and_replaces_keys() {
    let server = TestServer::start().await;
    let (id, key) = server.auth_key(json!({ "reusable": true })).await;
    let first = server.register_with(&key, "Linux-C", json!({ "os": "linux", "version": "3.2.8" })).await;
    assert_eq!(first.status, 201);
    let machine = &first.data()["machine"];
    assert_eq!(machine["status"], json!("online"));
    assert_eq!(machine["tailnet_ip"], json!("100.64.0.1"));
    assert_eq!(first.data()["org_id"], json!(ACME));
    assert_eq!(first.data()["reregistered"], json!(false));

    let again = server.register_with(&key, "Linux-C", json!({ "public_key": public_key(2) })).await;
    assert_eq!(again.status, 200);
    for field in ["id", "tailnet_ip", "created_at"] {
        assert_eq!(again.data()["machine"][field], machine[field], "{field}");
    }
    assert_eq!(again.data()["machine"]["public_key"], json!(public_key(2)));
    assert_eq!(again.data()["reregistered"], json!(true));
    assert_eq!(server.counts(&id).await, (2, 1, 1));

    let token = |answer: &Value| answer["machine_token"].as_str().unwrap().to_owned();
    let old = server.post("/api/heartbeat", &token(first.data()), &json!({})).await;
    assert_eq!(old.code(), "UNAUTHORIZED");
    let new = server.post("/api/heartbeat", &token(again.data()), &json!({})).await;
    assert_eq!(new.status, 200);
}

#[tokio::test]
async fn single_use_key_is_used_up_by_its_first_success() {
    let server = TestServer::start().await;
    let (id, key) = server.auth_key(json!({ "expiry_days": 7, "allowed_tags": ["a"] })).await;
    assert_eq!(server.register_with(&key, "m", json!({ "tags": ["b"] })).await.code(), "TAG_NOT_ALLOWED");
    assert_eq!(server.counts(&id).await, (0, 0, 0));
    assert_eq!(server.register_with(&key, "m", json!({ "tags": ["tag:a"] })).await.status, 201);
    let second = server.register(&key, "m").await;
    assert_eq!(second.refusal(), (401, "KEY_USED", "Auth key already used"));
    assert_eq!(server.counts(&id).await, (1, 1, 1));
    server.advance(7 * DAY).await;
    assert_eq!(server.register(&key, "m").await.refusal(), (401, "INVALID_KEY", "Invalid auth key"));
}

#[tokio::test]
async fn only_the_exact_key_is_accepted() {
    let server = TestServer::start().await;
    let (id, key) = server.auth_key(json!({ "reusable": true, "expiry_days": 1 })).await;
    let rest = key.strip_prefix("tskey-auth-").unwrap();
    let last = if key.ends_with('0') { "1" } else { "0" };
    let changed = format!("{}{last}", &key[..key.len() - 1]);
    for wrong in [rest, &changed, &key.to_uppercase(), "tskey-auth-", "qztna_x", &format!("{key} ")] {
        assert_eq!(server.register(wrong, "m").await.refusal().1, "INVALID_KEY", "{wrong}");
    }
    server.advance(DAY - Duration::from_secs(5)).await;
    assert_eq!(server.register(&key, "m").await.status, 201);
    server.advance(Duration::from_secs(5)).await;
    assert_eq!(server.register(&key, "m").await.code(), "INVALID_KEY");
    assert_eq!(server.counts(&id).await, (1, 1, 1));
}

#[tokio::test]
async fn client_address_is_the_peers_unless_a_trusted_proxy_forwards() {
    let server = TestServer::start().await;
    let (id, key) =
        server.auth_key(json!({ "reusable": true, "allowed_cidrs": ["10.0.0.0/8", "192.168.1.0/24"] })).await;
    let from = async |peer: &str, forwarded: Option<&[u8]>| {
        let body = json!({ "auth_key": key, "name": "m", "public_key": public_key(1) });
        let mut request = request("POST", "/api/register-machine", "", &body.to_string());
        request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::new(peer.parse().unwrap(), 1)));
        if let Some(forwarded) = forwarded {
            let value = axum::http::HeaderValue::from_bytes(forwarded).unwrap();
            request.headers_mut().insert("x-forwarded-for", value);
        }
        server.send_request(request).await
    };
    for (peer, forwarded) in [
        ("127.0.0.1", None),
        ("127.0.0.1", Some(b"10.1.2.3".as_slice())),
        ("10.9.0.1", Some(b"203.0.113.1")),
        ("10.9.0.1", Some(b"10.1.2.3, 203.0.113.1")),
        ("10.9.0.1", Some(b"10.1.2.3, 203.0.113.1:51234")),
        ("10.9.0.1", Some(b"10.1.2.3, [2001:db8::1]:443")),
        ("10.9.0.1", Some(b"10.1.2.3, unknown")),
        ("10.9.0.1", Some(b"10.1.2.3, \xff")),
        ("10.9.0.1", Some(b"10.1.2.3,")),
        ("192.168.2.1", None),
    ] {
        assert_eq!(from(peer, forwarded).await.code(), "IP_NOT_ALLOWED", "{peer} {forwarded:?}");
    }
    assert_eq!(server.counts(&id).await, (0, 0, 0));
    for (peer, forwarded) in [
        ("10.1.2.3", None),
        ("::ffff:192.168.1.9", None),
        ("10.9.0.1", Some(b"203.0.113.1, 10.1.2.3:1".as_slice())),
    ] {
        assert!(from(peer, forwarded).await.status.is_success(), "{peer} {forwarded:?}");
    }
    assert_eq!(server.counts(&id).await, (3, 1, 1));
}

#[tokio::test]
async fn quota_applies_to_new_machines_only() {
    let server = TestServer::start().await;
    let limit = server.state.store.write(|tx| {
        tx.execute("UPDATE organisations SET machine_limit = 2 WHERE id = ?1", mock_server::values![ACME])
    });
    limit.await.unwrap();
    let (id, key) = server.auth_key(json!({ "reusable": true })).await;
    let first = server.register(&key, "a").await;
    server.register(&key, "b").await;
    assert_eq!(server.register(&key, "c").await.code(), "MACHINE_LIMIT_REACHED");
    assert_eq!(server.register(&key, "a").await.status, 200);
    assert_eq!(server.counts(&id).await, (3, 2, 2));

    let machine_id = first.data()["machine"]["id"].clone();
    let token = server.token(ADMIN).await;
    let delete = json!({ "action": "delete", "org_id": ACME, "machine_id": machine_id });
    assert_eq!(server.post("/api/machine-admin", &token, &delete).await.status, 200);
    assert_eq!(server.register(&key, "c").await.status, 201);
    assert_eq!(server.counts(&id).await, (4, 2, 2));
}

#[tokio::test]
async fn key_tags_and_claimed_tags_are_applied() {
    let server = TestServer::start().await;
    let (_, key) = server.auth_key(json!({ "reusable": true, "tags": ["tag:laptop", "tag:eng"] })).await;
    let answer = server.register_with(&key, "m", json!({ "tags": ["tag:eng", "tag:ci"] })).await;
    assert_eq!(answer.data()["machine"]["tags"], json!(["laptop", "eng", "ci"]));
}

#[tokio::test]
async fn concurrent_registrations_of_one_name_make_one_machine() {
    let server = TestServer::start().await;
    let (id, key) = server.auth_key(json!({ "reusable": true })).await;
    let answers = join_all((0..32).map(|_| server.register(&key, "same"))).await;
    assert!(answers.iter().all(|answer| answer.status.is_success()), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    let id_of = |answer: &crate::test_server::Answer| answer.data()["machine"]["id"].clone();
    assert!(answers.iter().all(|answer| id_of(answer) == id_of(&answers[0])));
    assert_eq!(server.counts(&id).await, (32, 1, 1));

    let (id, key) = server.auth_key(json!({})).await;
    let names: Vec<String> = (0..32).map(|n| format!("m{n}")).collect();
    let answers = join_all(names.iter().map(|name| server.register(&key, name))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.body["error"]["code"] == "KEY_USED").count(), 31);
    assert_eq!(server.counts(&id).await, (1, 2, 2));
}

#[tokio::test]
async fn session_registers_and_member_machines_await_approval() {
    let server = TestServer::start().await;
    let register = async |email: &'static str, name: &str, fields: Value| {
        let mut body = json!({ "name": name, "public_key": key_of(name) });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let token = server.token(email).await;
        server.post("/api/register-machine", &token, &body).await
    };
    let admins = register(ADMIN, "a", json!({ "tags": ["tag:x"] })).await;
    assert_eq!(admins.data()["machine"]["status"], json!("online"));
    assert_eq!(admins.data()["machine"]["tags"], json!(["x"]));
    assert_eq!(register(MEMBER, "b", json!({ "tags": ["x"] })).await.code(), "TAG_NOT_ALLOWED");
    assert_eq!(register(MEMBER, "b", json!({ "org_id": "org_b71LqT" })).await.code(), "FORBIDDEN");

    let members = register(MEMBER, "b", json!({ "org_id": ACME })).await;
    assert_eq!((members.status.as_u16(), &members.data()["machine"]["status"]), (201, &json!("pending")));
    let token = members.data()["machine_token"].as_str().unwrap().to_owned();
    let beat = server.post("/api/heartbeat", &token, &json!({})).await;
    assert_eq!(beat.data()["machine"]["status"], json!("pending"));

    let admin = server.token(ADMIN).await;
    let machine_id = &members.data()["machine"]["id"];
    let approve = json!({ "action": "approve", "org_id": ACME, "machine_id": machine_id });
    let approved = server.post("/api/machine-admin", &admin, &approve).await;
    assert_eq!(approved.data()["machine"]["status"], json!("online"));
    let nobody = server.post("/api/register-machine", "", &json!({ "name": "c" })).await;
    assert_eq!(nobody.refusal(), (400, "MISSING_FIELDS", "auth_key required"));
}

#[tokio::test]
async fn member_can_only_take_over_own_machines() {
    let server = TestServer::start().await;
    let (key_id, key) = server.auth_key(json!({ "reusable": true, "tags": ["prod"] })).await;
    let admin = server.token(ADMIN).await;
    let member = server.token(MEMBER).await;
    let register = async |token: &str, name: &str| {
        let body = json!({ "org_id": ACME, "name": name, "public_key": key_of(name) });
        server.post("/api/register-machine", token, &body).await
    };
    let tagged = server.register(&key, "server").await;
    let laptop = register(&admin, "laptop").await;
    for (name, before) in [("server", tagged), ("laptop", laptop)] {
        assert_eq!(register(&member, name).await.code(), "FORBIDDEN", "{name}");
        let token = before.data()["machine_token"].as_str().unwrap();
        let beat = server.post("/api/heartbeat", token, &json!({})).await;
        for field in ["id", "public_key", "tags", "status"] {
            let (then, now) = (&before.data()["machine"][field], &beat.data()["machine"][field]);
            assert_eq!(now, then, "{name} {field}");
        }
    }
    assert_eq!(register(&member, "own").await.status, 201);
    assert_eq!(register(&member, "own").await.data()["machine"]["status"], json!("pending"));
    assert_eq!(register(&admin, "server").await.status, 200);
    assert_eq!(server.counts(&key_id).await, (1, 3, 3));
}

#[tokio::test]
async fn public_keys_are_unique_in_an_organisation() {
    let server = TestServer::start().await;
    let (id, key) = server.auth_key(json!({ "reusable": true })).await;
    let with = async |name: &str, byte: u8| {
        server.register_with(&key, name, json!({ "public_key": public_key(byte) })).await
    };
    assert_eq!(with("victim", 9).await.status, 201);
    assert_eq!(with("impostor", 9).await.status_and_code(), (409, "PUBLIC_KEY_IN_USE"));
    assert_eq!(with("other", 8).await.status, 201);
    assert_eq!(
        with("other", 9).await.status_and_code(),
        (409, "PUBLIC_KEY_IN_USE"),
        "on re-registration, too"
    );
    assert_eq!(with("victim", 9).await.status, 200, "its own key stays allowed");
    assert_eq!(server.counts(&id).await.0, 3, "refusals leave no trace");
    for low_order in [[0; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }] {
        let public_key = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, low_order);
        let refused = server.register_with(&key, "low", json!({ "public_key": public_key })).await;
        assert_eq!(refused.status_and_code(), (400, "INVALID_INPUT"));
    }
}

#[tokio::test]
async fn names_that_look_the_same_are_one_machine() {
    let server = TestServer::start().await;
    let (_, key) = server.auth_key(json!({ "reusable": true })).await;
    let first = server.register(&key, "Web").await.into_data();
    for again in ["web", "WEB", " Web ", "Ｗｅｂ"] {
        let told = server.register_with(&key, again, json!({ "public_key": public_key(2) })).await;
        assert_eq!(told.status, 200, "{again:?}");
        for field in ["id", "name", "tailnet_ip"] {
            assert_eq!(told.data()["machine"][field], first["machine"][field], "{again:?}");
        }
    }
    for bad in ["we\u{200b}b", "\u{202e}bew", "100.64.0.14", "::1", "12345", "0x7f000001"] {
        assert_eq!(server.register(&key, bad).await.status_and_code(), (400, "INVALID_INPUT"), "{bad:?}");
    }
}

#[tokio::test]
async fn repeated_registration_is_answered_again_and_counts_once() {
    let server = TestServer::start().await;
    let attempt = "0123456789abcdef0123456789abcdef";
    let repeat = async |key: &str, name: &str, byte: u8, attempt: &str| {
        let body = json!({ "auth_key": key, "name": name, "public_key": public_key(byte) });
        let mut request = request("POST", "/api/register-machine", "", &body.to_string());
        request.headers_mut().insert("idempotency-key", attempt.parse().unwrap());
        server.send_request(request).await
    };
    let (id, key) = server.auth_key(json!({ "expiry_days": 7 })).await;
    let first = repeat(&key, "m", 1, attempt).await;
    let again = repeat(&key, "M", 1, attempt).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    for field in ["id", "tailnet_ip", "created_at", "public_key", "status"] {
        assert_eq!(again.data()["machine"][field], first.data()["machine"][field], "{field}");
    }
    assert_eq!(again.data()["reregistered"], json!(false));
    let beat = async |answer: &crate::test_server::Answer| {
        let token = answer.data()["machine_token"].as_str().unwrap().to_owned();
        server.post("/api/heartbeat", &token, &json!({})).await.status.as_u16()
    };
    assert_eq!((beat(&first).await, beat(&again).await), (401, 200), "the lost token is void");
    assert_eq!(server.counts(&id).await, (1, 1, 1));

    for (why, key, name, byte, attempt) in [
        ("another attempt", &key, "m", 1, "another-attempt-of-it"),
        ("another key pair", &key, "m", 2, attempt),
        ("another machine", &key, "n", 3, attempt),
    ] {
        assert_eq!(repeat(key, name, byte, attempt).await.code(), "KEY_USED", "{why}");
    }
    assert_eq!(
        server.register_with(&key, "m", json!({ "public_key": public_key(1) })).await.code(),
        "KEY_USED"
    );
    assert_eq!(server.counts(&id).await, (1, 1, 1), "refusals leave no trace");

    server.advance(DAY).await;
    assert_eq!(repeat(&key, "m", 1, attempt).await.code(), "KEY_USED", "the window has passed");
}

#[tokio::test]
async fn repetition_of_a_reregistration_counts_it_once() {
    let server = TestServer::start().await;
    let (id, key) = server.auth_key(json!({ "reusable": true })).await;
    let (other_id, other) = server.auth_key(json!({ "reusable": true })).await;
    let send = async |key: &str, byte: u8, attempt: &str| {
        let body = json!({ "auth_key": key, "name": "m", "public_key": public_key(byte) });
        let mut request = request("POST", "/api/register-machine", "", &body.to_string());
        request.headers_mut().insert("idempotency-key", attempt.parse().unwrap());
        server.send_request(request).await
    };
    assert_eq!(send(&key, 1, "first-of-the-attempts").await.status, 201);
    let second = send(&key, 2, "second-of-the-attempts").await;
    assert_eq!((second.status.as_u16(), &second.data()["reregistered"]), (200, &json!(true)));
    let repeated = send(&key, 2, "second-of-the-attempts").await;
    assert_eq!((repeated.status.as_u16(), &repeated.data()["reregistered"]), (200, &json!(true)));
    assert_eq!(server.counts(&id).await.0, 2);
    assert_eq!(send(&other, 2, "second-of-the-attempts").await.status, 200, "another credential counts");
    assert_eq!(server.counts(&other_id).await.0, 1);
    let used = json!({ "action": "revoke_auth_key", "org_id": ACME, "key_id": other_id });
    server.post("/api/key-management", &server.token(ADMIN).await, &used).await;
    assert_eq!(send(&other, 2, "second-of-the-attempts").await.code(), "INVALID_KEY", "revoked since");
    for bad in ["short", "with a blank in the middle", &"x".repeat(129)] {
        assert_eq!(send(&key, 3, bad).await.status_and_code(), (400, "INVALID_INPUT"), "{bad}");
    }
    assert_eq!(send(&key, 2, "second-of-the-attempts").await.status, 200);
    assert_eq!(server.counts(&id).await.0, 3, "the last registration was another one");
}
