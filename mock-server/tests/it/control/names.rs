//! One normal form for each name, by whatever entrance it comes.

use mock_server::store::Location;
use serde_json::{Value, json};

use crate::test_server::{ACME, ADMIN, MEMBER, TestServer, key_of, public_key};

/// What no name may contain.
const HIDDEN: [&str; 9] = [
    "a\u{202e}b",
    "a\u{2066}b",
    "a\u{200b}b",
    "a\u{feff}b",
    "a\u{e0041}",
    "a\nb",
    "a\u{1b}[2J",
    "a\u{85}b",
    "a\u{2028}b",
];

#[tokio::test]
async fn machines_have_one_normal_form_by_key_and_by_session() {
    let server = TestServer::start().await;
    let (_, key) = server.auth_key(json!({ "reusable": true })).await;
    let session = server.token(ADMIN).await;
    let by_session = async |name: &str| {
        let body = json!({ "org_id": ACME, "name": name, "public_key": key_of("m") });
        server.post("/api/register-machine", &session, &body).await
    };
    let first =
        server.register_with(&key, "Straße 7", json!({ "public_key": key_of("m") })).await.into_data();
    for again in ["straße 7", "STRASSE 7", " Straße  7 ", "Ｓｔｒａßｅ 7"] {
        for answer in [
            server.register_with(&key, again, json!({ "public_key": key_of("m") })).await,
            by_session(again).await,
        ] {
            assert_eq!(answer.status, 200, "{again:?}: {}", answer.text);
            for field in ["id", "name"] {
                assert_eq!(answer.data()["machine"][field], first["machine"][field], "{again:?}");
            }
        }
    }
    let invalid = [
        "0x7f.1",
        "1.2",
        "100.64.14",
        "0144.0100.0.016",
        "100.64.0.14",
        "::1",
        "fe80::1%eth0",
        "[::1]:80",
        "100.64.0.14:80",
        "100.64.0.0/10",
        "１００.64.0.14",
        "12345",
        "-1",
        "0193e2c4-7d1a-7c3e-9b5f-2a6d8e4f1c70",
    ];
    for bad in invalid.iter().chain(&HIDDEN) {
        for refused in [server.register(&key, bad).await, by_session(bad).await] {
            assert_eq!(refused.status_and_code(), (400, "INVALID_INPUT"), "{bad:?}");
        }
    }
}

#[tokio::test]
async fn names_of_keys_are_trimmed_composed_and_show_all_they_contain() {
    let server = TestServer::start().await;
    let admin = server.token(ADMIN).await;
    let auth = |name: &str| json!({ "action": "create_auth_key", "org_id": ACME, "name": name });
    let guide = |name: &str| json!({ "action": "create_auth_key", "org_id": ACME, "description": name });
    let api = |name: &str| json!({ "action": "create_api_key", "org_id": ACME, "name": name });
    let kept =
        [(" Q2 u\u{308}ber ", "Q2 über"), ("100.64.0.14", "100.64.0.14"), ("👩\u{200d}💻", "👩\u{200d}💻")];
    for (number, (name, stored)) in kept.into_iter().enumerate() {
        for (body, path) in [
            (auth(name), "/api/key-management"),
            (guide(name), "/api/api-keys"),
            (api(name), "/api/api-keys"),
        ] {
            let made = server.post(path, &admin, &body).await;
            assert_eq!((made.status.as_u16(), &made.data()["name"]), (201, &json!(stored)), "{body}");
        }
        let inserted =
            server.post("/api/db/api_keys", &admin, &server.client_key(name, &number.to_string())).await;
        let path = format!("/api/db/api_keys?id=eq.{}", inserted.data()[0]["id"].as_str().unwrap());
        assert_eq!(inserted.data()[0]["name"], stored);
        let rename = json!({ "name": format!("{name} ") }).to_string();
        let renamed = server.send("PATCH", &path, &admin, &rename).await;
        assert_eq!(renamed.data()[0]["name"], stored);
        for bad in HIDDEN {
            for (path, body) in [
                ("/api/key-management", auth(bad)),
                ("/api/key-management", guide(bad)),
                ("/api/api-keys", api(bad)),
                ("/api/db/api_keys", server.client_key(bad, bad)),
            ] {
                let refused = server.post(path, &admin, &body).await;
                assert_eq!(refused.status_and_code(), (400, "INVALID_INPUT"), "{path} {body}");
            }
            let refused = server.send("PATCH", &path, &admin, &json!({ "name": bad }).to_string()).await;
            assert_eq!(refused.status_and_code(), (400, "INVALID_INPUT"), "{bad:?}");
        }
    }
}

#[tokio::test]
async fn other_texts_that_lists_show_hide_nothing() {
    let server = TestServer::start().await;
    let admin = server.token(ADMIN).await;
    let (_, key) = server.auth_key(json!({ "reusable": true })).await;
    let machine = server.register(&key, "m").await.into_data();
    let token = machine["machine_token"].as_str().unwrap();
    for bad in HIDDEN {
        let described =
            json!({ "action": "create_auth_key", "org_id": ACME, "name": "k", "description": bad });
        let tagged = json!({ "action": "create_auth_key", "org_id": ACME, "name": "k", "tags": [bad] });
        let allowed =
            json!({ "action": "create_auth_key", "org_id": ACME, "name": "k", "allowed_tags": [bad] });
        for (path, bearer, body) in [
            ("/api/key-management", admin.as_str(), described),
            ("/api/key-management", &admin, tagged),
            ("/api/key-management", &admin, allowed),
            (
                "/api/register-machine",
                "",
                json!({ "auth_key": key, "name": "n", "public_key": public_key(9), "os": bad }),
            ),
            (
                "/api/register-machine",
                "",
                json!({ "auth_key": key, "name": "n", "public_key": public_key(9), "version": bad }),
            ),
            (
                "/api/register-machine",
                "",
                json!({ "auth_key": key, "name": "n", "public_key": public_key(9), "tags": [bad] }),
            ),
            ("/api/heartbeat", token, json!({ "version": bad })),
            ("/api/machine-tags", token, json!({ "tags": [bad] })),
        ] {
            let refused = server.post(path, bearer, &body).await;
            assert_eq!(refused.status_and_code(), (400, "INVALID_INPUT"), "{path} {body}");
        }
        let client = server.post("/api/auth/device/code", "", &json!({ "client_id": bad })).await;
        assert_eq!(
            (client.status.as_u16(), &client.body["error"]),
            (400, &json!("invalid_request")),
            "{bad:?}"
        );
    }
    let member = json!({ "name": "n", "public_key": public_key(9) });
    assert_eq!(server.post("/api/register-machine", &server.token(MEMBER).await, &member).await.status, 201);
}

/// Rows of an earlier rule are found by the present one.
#[tokio::test]
async fn comparable_names_are_made_anew_when_their_rule_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plane.db");
    let location = Location::File(path.clone());
    let server = TestServer::open(location.clone(), 1).await;
    let (_, key) = server.auth_key(json!({ "reusable": true })).await;
    let machine = server.register(&key, "Straße").await.into_data();
    drop(server);
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(
        "UPDATE machines SET name_key = 'straße'; DELETE FROM settings WHERE name = 'name_key_rule'",
    )
    .unwrap();
    drop(old);
    let server = TestServer::open(location, 2).await;
    let again = server.register_with(&key, "STRASSE", json!({ "public_key": key_of("Straße") })).await;
    assert_eq!((again.status.as_u16(), &again.data()["machine"]["id"]), (200, &machine["machine"]["id"]));
    assert_ne!(again.data()["machine"]["id"], Value::Null);
}
