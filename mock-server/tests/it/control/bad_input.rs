//! Invalid input is refused in the envelope, and nothing is stored.

use axum::body::Body;
use axum::http::{Method, Request};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::test_server::{ACME, ADMIN, TestServer, public_key};

const POSTS: [&str; 5] = [
    "/api/key-management",
    "/api/api-keys",
    "/api/register-machine",
    "/api/machine-admin",
    "/api/machine-tags",
];

#[tokio::test]
async fn every_endpoint_refuses_bodies_that_are_not_objects() {
    let server = TestServer::start().await;
    let (_, key) = server.auth_key(json!({})).await;
    let answer = server.register(&key, "m").await;
    let machine = answer.data()["machine_token"].as_str().unwrap().to_owned();
    let admin = server.token(ADMIN).await;
    for path in POSTS {
        let token = if path.ends_with("tags") { &machine } else { &admin };
        for bad in ["", "{", "[1]", "\"x\"", "{\"a\":}", "nul", "{}{}"] {
            let answer = server.send("POST", path, token, bad).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (400, "INVALID_JSON"), "{path} {bad:?}");
        }
        let long = format!("{{\"name\":\"{}\"}}", "x".repeat(64 * 1024));
        let answer = server.send("POST", path, token, &long).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (413, "PAYLOAD_TOO_LARGE"), "{path}");
    }
}

#[tokio::test]
async fn invalid_fields_are_named_and_nothing_is_stored() {
    let server = TestServer::start().await;
    let long = "x".repeat(10_000);
    let wrong = [
        ("name", json!(long)),
        ("name", json!("a\u{0}b")),
        ("name", json!("a\nb")),
        ("name", json!(7)),
        ("reusable", json!("true")),
        ("ephemeral", json!(1)),
        ("allowed_tags", json!("server")),
        ("allowed_tags", json!([1])),
        ("allowed_tags", json!(["a b"])),
        ("allowed_cidrs", json!(["10.0.0.0/99"])),
        ("allowed_cidrs", json!({})),
        ("expires_in", json!(299)),
        ("description", json!([])),
        ("action", json!(7)),
        ("org_id", json!({})),
    ];
    for (field, value) in wrong {
        let mut body = json!({ "action": "create_auth_key", "org_id": ACME, "name": "n" });
        body[field] = value;
        let answer = server.manage(&body).await;
        let (status, code, message) = answer.refusal();
        assert_eq!((status, code), (400, "INVALID_INPUT"), "{field}");
        assert!(message.contains(field) && message.len() < 200, "{field}: {message}");
    }
    assert_eq!(server.rows("auth_keys").await, 0);

    let (id, key) = server.auth_key(json!({})).await;
    for (field, value) in [
        ("name", json!(long)),
        ("name", json!("n".repeat(64))),
        ("name", json!("a\u{0}")),
        ("public_key", json!("AAAA")),
        ("tags", json!("x")),
        ("os", json!(1)),
        ("auth_key", json!(["x"])),
    ] {
        let answer = server.register_with(&key, "m", json!({ field: value })).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "INVALID_INPUT"), "{field}");
    }
    for field in ["name", "public_key"] {
        let answer = server.register_with(&key, "m", json!({ field: "<absent>" })).await;
        assert_eq!(answer.refusal(), (400, "MISSING_FIELDS", format!("{field} required").as_str()));
    }
    assert_eq!(server.counts(&id).await, (0, 0, 0));
}

#[tokio::test]
async fn unknown_routes_and_methods_are_refused_in_the_envelope() {
    let server = TestServer::start().await;
    let call = async |method: Method, path: &str| {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let answer = server.send_request(request).await;
        (answer.status.as_u16(), answer.code().to_owned())
    };
    assert_eq!(call(Method::GET, "/api/nothing").await, (404, "NOT_FOUND".into()));
    for path in POSTS {
        assert_eq!(call(Method::GET, path).await, (405, "METHOD_NOT_ALLOWED".into()), "{path}");
    }
    let healthy = Request::builder().uri("/healthz").body(Body::empty()).unwrap();
    assert_eq!(server.send_request(healthy).await.data(), &json!({ "status": "ok" }));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Value::from))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_fields_never_cause_a_server_error(
        action in prop_oneof![Just("create_auth_key"), Just("create_api_key"), Just("revoke_api_key")],
        field in prop_oneof![
            Just("name"), Just("expiry_days"), Just("expires_in"), Just("allowed_tags"), Just("allowed_cidrs"),
            Just("scopes"), Just("rate_limit_rpm"), Just("key_id"), Just("description"), Just("tags"), Just("os"),
        ],
        value in any_json(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = TestServer::start().await;
            let mut body = json!({ "action": action, "org_id": ACME, "name": "n" });
            body[field] = value.clone();
            assert!(server.manage(&body).await.status.as_u16() < 500, "{body}");
            let mut body = json!({ "auth_key": "tskey-auth-0", "name": "n", "public_key": public_key(1) });
            body[field] = value;
            assert!(server.post("/api/register-machine", "", &body).await.status.is_client_error());
        });
    }
}
