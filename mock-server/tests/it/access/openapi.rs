//! The OpenAPI document compared with the routes and their responses.

use serde_json::{Value, json};

use crate::test_server::{ACME, ADMIN, TestServer};

async fn document(server: &TestServer) -> Value {
    server.get("/api/openapi.json", "").await.body
}

#[tokio::test]
async fn every_documented_operation_is_routed() {
    let server = TestServer::start().await;
    let document = document(&server).await;
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let answer = server.send(&method.to_uppercase(), path, "", "").await;
            let status = answer.status.as_u16();
            assert!(!matches!(status, 404 | 405 | 500), "{method} {path}: {status}");
            assert!(
                operation["responses"][status.to_string()].is_object(),
                "{method} {path}: {status} undocumented"
            );
            operations += 1;
        }
    }
    assert!(operations >= 11, "{operations}");
}

/// The router cannot list its routes. But it only uses `routes!`, which documents each route it adds.
#[test]
fn every_route_is_documented() {
    let router = include_str!("../../../src/api/router.rs");
    for undocumented in [".route(", ".nest(", ".merge(", ".nest_service(", ".route_service("] {
        assert!(!router.contains(undocumented), "router.rs uses {undocumented}");
    }
}

#[tokio::test]
async fn security_and_schemas_are_declared() {
    let server = TestServer::start().await;
    let document = document(&server).await;
    let schemes = document["components"]["securitySchemes"].as_object().expect("schemes");
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let secured = operation["security"].as_array().is_some_and(|security| !security.is_empty());
            let refusals = operation["responses"]["401"]["description"].as_str().unwrap_or_default();
            let refuses = refusals.contains("UNAUTHORIZED");
            assert_eq!(secured, refuses, "{method} {path}");
            for requirement in operation["security"].as_array().into_iter().flatten() {
                assert!(requirement.as_object().unwrap().keys().all(|name| schemes.contains_key(name)));
            }
        }
    }
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap_or_default();
        assert!(document["components"]["schemas"][name].is_object(), "{name} is not declared");
    }
    assert!(!text.contains("key_hash\":{\"type\":[\"string\",\"null\"]"), "rows show no hash");
}

#[tokio::test]
async fn responses_match_their_declared_schemas() {
    let server = TestServer::start().await;
    let document = document(&server).await;
    let admin = server.token(ADMIN).await;
    server.api_key(json!(["machines:read"]), 60).await;
    let machine = server.stored_machine(ACME, "asks", "100.64.0.1").await;
    server.stored_machine(ACME, "a-peer", "100.64.0.2").await;
    let login = json!({ "email": ADMIN, "password": "ada-runs-acme" }).to_string();
    let calls = [
        ("GET", "/healthz", "/healthz", "", ""),
        ("GET", "/api/user-orgs", "/api/user-orgs", &admin, ""),
        ("POST", "/api/auth/login", "/api/auth/login", "", login.as_str()),
        ("POST", "/api/auth/login", "/api/auth/login", "", "{}"),
        ("POST", "/api/auth/device/code", "/api/auth/device/code", "", ""),
        ("POST", "/api/auth/device/token", "/api/auth/device/token", "", ""),
        ("GET", "/api/db/api_keys", "/api/db/api_keys", &admin, ""),
        ("GET", "/api/db/audit_logs", "/api/db/audit_logs?select=id,details", &admin, ""),
        ("GET", "/api/db/api_keys", "/api/db/api_keys?x=1", &admin, ""),
        ("GET", "/api/db/api_keys", "/api/db/api_keys", "", ""),
        ("GET", "/api/network-map", "/api/network-map", &machine, ""),
        ("GET", "/api/network-map", "/api/network-map?wait=x", &machine, ""),
        ("GET", "/api/network-map", "/api/network-map", "", ""),
        ("POST", "/api/heartbeat", "/api/heartbeat", &machine, r#"{"endpoints":["10.0.0.1:1"]}"#),
        ("POST", "/api/heartbeat", "/api/heartbeat", &machine, r#"{"endpoints":["0.0.0.0:1"]}"#),
    ];
    for (method, path, address, bearer, body) in calls {
        let answer = server.send(method, address, bearer, body).await;
        let declared = &document["paths"][path][method.to_lowercase()]["responses"][answer.status.as_str()];
        let schema = &declared["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {address}: {} has no schema", answer.status);
        if let Err(reason) = fits(&document, schema, &answer.body) {
            panic!("{method} {address}: {reason}\n{}", answer.text);
        }
    }
}

/// Validates the part of JSON Schema that the document uses: references, types, properties, required, items and oneOf.
/// Undeclared properties are errors.
fn fits(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return fits(document, &document.pointer(&reference[1..]).cloned().unwrap_or_default(), value);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fitting = choices.iter().any(|choice| fits(document, choice, value).is_ok());
        return fitting.then_some(()).ok_or(format!("{value} is none of the choices"));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed = match &schema["type"] {
        Value::Null => true,
        Value::Array(kinds) => kinds.contains(&json!(kind)),
        one => one == kind,
    };
    if !allowed {
        return Err(format!("{value} is no {}", schema["type"]));
    }
    for item in value.as_array().into_iter().flatten() {
        fits(document, &schema["items"], item)?;
    }
    if let (Some(object), Some(properties)) = (value.as_object(), schema["properties"].as_object()) {
        for (name, member) in object {
            let declared = properties.get(name).ok_or(format!("{name} is not declared"))?;
            fits(document, declared, member).map_err(|reason| format!("{name}: {reason}"))?;
        }
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap_or_default()).is_none() {
            return Err(format!("{name} is missing"));
        }
    }
    Ok(())
}
