//! Issuing and revoking keys: the chapters `generate` and `api-key`, and the user guide's form.

use serde_json::{Value, json};

use crate::test_server::{ACME, ADMIN, GLOBEX, MEMBER, OUTSIDER, OWNER, TestServer};

const ALIASES: [&str; 2] = ["/api/key-management", "/api/api-keys"];

#[tokio::test]
async fn created_auth_key_has_the_documented_response() {
    let server = TestServer::start().await;
    let token = server.token(OWNER).await;
    let body = json!({ "action": "create_auth_key", "org_id": ACME, "name": "n", "reusable": true });
    for path in ALIASES {
        let answer = server.post(path, &token, &body).await;
        assert_eq!(answer.status, 201);
        let data = answer.data().as_object().unwrap();
        let fields: Vec<&str> = data.keys().map(String::as_str).collect();
        let documented = [
            "id",
            "key",
            "key_prefix",
            "name",
            "reusable",
            "ephemeral",
            "expiry_days",
            "allowed_tags",
            "allowed_cidrs",
        ];
        assert_eq!(fields, documented);
        let key = data["key"].as_str().unwrap();
        let rest = key.strip_prefix("tskey-auth-").unwrap();
        assert!(rest.len() == 64 && rest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        assert_eq!(data["key_prefix"], json!(format!("tskey-auth-{}...", &rest[..8])));
        assert_eq!(
            (&data["reusable"], &data["ephemeral"], &data["expiry_days"]),
            (&json!(true), &json!(false), &json!(90))
        );
        assert_eq!((&data["allowed_tags"], &data["allowed_cidrs"]), (&Value::Null, &Value::Null));
    }
}

#[tokio::test]
async fn restrictions_are_returned_as_documented() {
    let server = TestServer::start().await;
    let create = async |fields: Value| {
        let mut body = json!({ "action": "create_auth_key", "org_id": ACME, "name": "n" });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        server.manage(&body).await.data().clone()
    };
    let tagged = create(json!({ "allowed_tags": ["server", "tag:production"] })).await;
    assert_eq!(tagged["allowed_tags"], json!(["server", "production"]));
    let located =
        create(json!({ "allowed_cidrs": ["10.0.0.0/8", "192.168.1.0/24"], "expiry_days": 14 })).await;
    assert_eq!(located["allowed_cidrs"], json!(["10.0.0.0/8", "192.168.1.0/24"]));
    assert_eq!(located["expiry_days"], json!(14));
    assert_eq!(create(json!({ "allowed_cidrs": [] })).await["allowed_cidrs"], Value::Null);
    assert_eq!(create(json!({ "name": "n" })).await["reusable"], json!(false));
}

#[tokio::test]
async fn description_names_a_key_without_a_name() {
    let server = TestServer::start().await;
    let answer = server
        .manage(&json!({
            "action": "create_auth_key", "org_id": ACME, "reusable": true, "expires_in": 3600,
            "tags": ["tag:laptop", "tag:eng"], "description": "Q2 laptop fleet rollout",
        }))
        .await;
    let data = answer.data();
    assert_eq!(answer.status, 201);
    assert_eq!(data["name"], json!("Q2 laptop fleet rollout"));
    assert_eq!(data["tags"], json!(["laptop", "eng"]));
    assert_eq!(data["expiry_days"], Value::Null);
    assert!(data["expires_at"].is_string());
}

#[tokio::test]
async fn refusals_have_the_documented_messages() {
    let server = TestServer::start().await;
    let create = |fields: Value| {
        let mut body = json!({ "action": "create_auth_key", "org_id": ACME, "name": "n" });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        body
    };
    let api = |fields: Value| {
        let mut body = create(fields);
        body["action"] = json!("create_api_key");
        body
    };
    let days = (400, "INVALID_INPUT", "expiry_days must be an integer between 1 and 365");
    let standing = (
        400,
        "INVALID_INPUT",
        "expiry_days must be an integer between 1 and 90 (zero standing privilege policy)",
    );
    let cases = [
        (json!({ "action": "create_auth_key", "org_id": ACME }), (400, "MISSING_FIELDS", "name required")),
        (json!({ "action": "create_auth_key", "name": "n" }), (400, "MISSING_FIELDS", "org_id required")),
        (json!({ "org_id": ACME, "name": "n" }), (400, "MISSING_FIELDS", "action required")),
        (json!({ "action": "revoke_auth_key", "org_id": ACME }), (400, "MISSING_FIELDS", "key_id required")),
        (create(json!({ "expiry_days": 500 })), days),
        (create(json!({ "expiry_days": 0 })), days),
        (create(json!({ "expiry_days": null })), days),
        (api(json!({ "expiry_days": 91 })), standing),
        (api(json!({ "expiry_days": null })), standing),
        (
            api(json!({ "rate_limit_rpm": 0 })),
            (400, "INVALID_INPUT", "rate_limit_rpm must be a positive integer"),
        ),
    ];
    for (body, expected) in cases {
        let answer = server.manage(&body).await;
        assert_eq!(answer.refusal(), expected, "{body}");
    }
    let unknown = server.manage(&json!({ "action": "explode", "org_id": ACME })).await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (400, "INVALID_ACTION"));
    assert_eq!((server.rows("auth_keys").await, server.rows("api_keys").await), (0, 0));
}

#[tokio::test]
async fn permission_is_checked_after_missing_and_before_invalid_fields() {
    let server = TestServer::start().await;
    let wrong = json!({ "action": "create_auth_key", "org_id": ACME, "name": "n", "expiry_days": 500 });
    let nameless = json!({ "action": "create_auth_key", "org_id": ACME });
    for path in ALIASES {
        for token in ["", " ", "x", "tskey-auth-x"] {
            assert_eq!(server.post(path, token, &nameless).await.refusal().0, 401, "{token:?}");
        }
        for (email, org_id) in [(MEMBER, ACME), (OUTSIDER, ACME), (ADMIN, GLOBEX), (ADMIN, "org_none")] {
            let token = server.token(email).await;
            let mut body = wrong.clone();
            body["org_id"] = json!(org_id);
            let answer = server.post(path, &token, &body).await;
            assert_eq!(answer.refusal(), (403, "FORBIDDEN", "Admin required"), "{email} {org_id}");
            assert_eq!(server.post(path, &token, &nameless).await.code(), "MISSING_FIELDS");
        }
    }
    assert_eq!(server.rows("auth_keys").await, 0);
}

#[tokio::test]
async fn created_api_key_has_the_documented_response() {
    let server = TestServer::start().await;
    let body = json!({ "action": "create_api_key", "org_id": ACME, "name": "my-terraform-key" });
    let answer = server.manage(&body).await;
    assert_eq!(answer.status, 201);
    let data = answer.data().as_object().unwrap();
    assert_eq!(data.keys().collect::<Vec<_>>(), ["id", "key", "key_prefix", "name", "expiry_days"]);
    let key = data["key"].as_str().unwrap();
    assert!(key.starts_with("qztna_") && key.len() == 6 + 64);
    assert_eq!(data["key_prefix"], json!(format!("{}...", &key[..14])));
    assert_eq!(data["expiry_days"], json!(30));
}

#[tokio::test]
async fn revocation_is_final_and_limited_to_the_organisation() {
    let server = TestServer::start().await;
    let (id, key) = server.auth_key(json!({ "reusable": true })).await;
    assert_eq!(server.register(&key, "before").await.status, 201);
    let revoke =
        |org_id: &str, id: &str| json!({ "action": "revoke_auth_key", "org_id": org_id, "key_id": id });

    let outsider = server.token(OUTSIDER).await;
    let foreign = server.post(ALIASES[0], &outsider, &revoke(GLOBEX, &id)).await;
    assert_eq!(foreign.refusal(), (404, "NOT_FOUND", "Auth key not found"));
    assert_eq!(server.manage(&revoke(ACME, "ak_9fX2kR")).await.refusal().0, 404);
    assert_eq!(server.register(&key, "still").await.status, 201);

    for _ in 0..2 {
        let revoked = server.manage(&revoke(ACME, &id)).await;
        assert_eq!((revoked.status.as_u16(), revoked.data()), (200, &json!({ "id": id, "revoked": true })));
    }
    let refused = server.register(&key, "after").await;
    assert_eq!(refused.refusal(), (401, "INVALID_KEY", "Invalid auth key"));
    assert_eq!(server.counts(&id).await, (2, 2, 2));
}
