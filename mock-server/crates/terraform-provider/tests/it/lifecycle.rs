//! What Terraform asks in the life of a resource, answered by a control plane of the test.

use serde_json::{Value as Json, json};
use terraform_provider_quickztna::plugin::message::{
    ApplyChange, Configure, Diagnostic, DynamicValue, ImportState, ReadResource, Severity, TypeConfig,
};
use terraform_provider_quickztna::provider::Provider;
use terraform_provider_quickztna::value::{Object, Value};
use terraform_provider_quickztna::{auth_key, machines};
use time::OffsetDateTime;
use time::macros::datetime;
use wiremock::matchers::{body_json, body_partial_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn now() -> OffsetDateTime {
    datetime!(2026-11-26 12:00 UTC)
}

fn no_variable(_: &str) -> Option<String> {
    None
}

async fn provider(server: &MockServer) -> Provider {
    let provider = Provider::new(no_variable, now);
    let config = object(&[("endpoint", Value::text(server.uri())), ("api_key", Value::text("qztna_secret"))]);
    let configured = provider.configure(&Configure { config: encoded(config), ..Configure::default() });
    assert_eq!(configured.diagnostics, []);
    provider
}

fn object(members: &[(&str, Value)]) -> Value {
    Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn encoded(value: Value) -> Option<DynamicValue> {
    Some(value.encode().unwrap())
}

fn decoded(value: Option<&DynamicValue>) -> Option<Object> {
    Value::decode(value).unwrap().into_object().unwrap()
}

fn config() -> Value {
    let tags = Value::List(vec![Value::text("tag:laptop")]);
    object(&[("org_id", Value::text("org_1")), ("expires_in", Value::Integer(3600)), ("tags", tags)])
}

fn creation() -> ApplyChange {
    let planned = auth_key::plan(None, &config().into_object().unwrap().unwrap());
    ApplyChange {
        type_name: auth_key::TYPE_NAME.to_owned(),
        prior_state: encoded(Value::Null),
        planned_state: encoded(Value::Object(planned.state)),
    }
}

fn row() -> Json {
    json!({
        "id": "k1", "org_id": "org_1", "name": "x", "key_prefix": "tskey-auth-1...", "reusable": false,
        "ephemeral": false, "revoked": false, "tags": ["laptop"], "description": null,
        "created_at": "2026-11-26T11:30:00Z", "expires_at": "2026-11-26T12:30:00Z",
    })
}

fn answer(data: &Json) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "success": true, "data": data }))
}

fn refusal(status: u16, code: &str) -> ResponseTemplate {
    let error = json!({ "code": code, "message": "no" });
    ResponseTemplate::new(status).set_body_json(json!({ "success": false, "error": error }))
}

async fn created(server: &MockServer, provider: &Provider) -> Option<DynamicValue> {
    let data = json!({ "id": "k1", "key": "tskey-auth-1", "key_prefix": "tskey-auth-1...", "name": "x",
                       "expires_at": "2026-11-26T12:30:00Z" });
    let asked = json!({ "action": "create_auth_key", "org_id": "org_1", "reusable": false, "ephemeral": false,
                        "expires_in": 3600, "tags": ["tag:laptop"] });
    Mock::given(method("POST"))
        .and(path("/api/key-management"))
        .and(header("authorization", "Bearer qztna_secret"))
        .and(body_json(asked))
        .respond_with(answer(&data))
        .expect(1)
        .mount(server)
        .await;
    let applied = provider.apply(creation()).await;
    assert_eq!(applied.diagnostics, []);
    applied.new_state
}

async fn read(provider: &Provider, state: Option<&DynamicValue>) -> Result<Option<Object>, Diagnostic> {
    let type_name = auth_key::TYPE_NAME.to_owned();
    let read = provider.read_resource(&ReadResource { type_name, current_state: state.cloned() }).await;
    match read.diagnostics.into_iter().next() {
        Some(diagnostic) => Err(diagnostic),
        None => Ok(decoded(read.state.as_ref())),
    }
}

async fn rows(server: &MockServer, response: ResponseTemplate) {
    server.reset().await;
    Mock::given(method("GET"))
        .and(path("/api/db/auth_keys"))
        .and(query_param("org_id", "org_1"))
        .and(query_param("id", "eq.k1"))
        .respond_with(response)
        .mount(server)
        .await;
}

#[tokio::test]
async fn a_key_is_created_looked_at_and_revoked() {
    let server = MockServer::start().await;
    let provider = provider(&server).await;
    let state = created(&server, &provider).await;
    assert_eq!(decoded(state.as_ref()).unwrap()["key"], Value::text("tskey-auth-1"));

    rows(&server, answer(&json!([row()]))).await;
    assert_eq!(read(&provider, state.as_ref()).await.unwrap(), decoded(state.as_ref()));

    server.reset().await;
    Mock::given(method("POST"))
        .and(body_partial_json(json!({ "action": "revoke_auth_key", "org_id": "org_1", "key_id": "k1" })))
        .respond_with(answer(&json!({ "id": "k1", "revoked": true })))
        .expect(1)
        .mount(&server)
        .await;
    let destroy = ApplyChange { prior_state: state, planned_state: encoded(Value::Null), ..creation() };
    let destroyed = provider.apply(destroy).await;
    assert_eq!((destroyed.diagnostics, decoded(destroyed.new_state.as_ref())), (Vec::new(), None));
}

#[tokio::test]
async fn a_key_that_was_revoked_or_forgotten_is_planned_anew() {
    let server = MockServer::start().await;
    let provider = provider(&server).await;
    let state = created(&server, &provider).await;
    let mut revoked = row();
    revoked["revoked"] = json!(true);
    let mut expired = row();
    expired["expires_at"] = json!("2026-11-26T11:59:59Z");
    for found in [json!([revoked]), json!([expired]), json!([])] {
        rows(&server, answer(&found)).await;
        assert_eq!(read(&provider, state.as_ref()).await.unwrap(), None, "{found}");
    }
}

#[tokio::test]
async fn a_control_plane_in_trouble_loses_no_key() {
    let server = MockServer::start().await;
    let provider = provider(&server).await;
    let state = created(&server, &provider).await;
    let page = ResponseTemplate::new(200).set_body_string("<html>");
    for response in [refusal(503, "UNAVAILABLE"), refusal(403, "FORBIDDEN"), page] {
        rows(&server, response).await;
        let diagnostic = read(&provider, state.as_ref()).await.unwrap_err();
        assert_eq!(diagnostic.severity(), Severity::Error);
        assert!(!diagnostic.detail.contains("qztna_secret"));
    }
    server.reset().await;
    Mock::given(method("POST")).respond_with(refusal(503, "UNAVAILABLE")).mount(&server).await;
    let destroy =
        ApplyChange { prior_state: state.clone(), planned_state: encoded(Value::Null), ..creation() };
    let refused = provider.apply(destroy).await;
    assert_eq!(refused.new_state, state, "it is still there to be destroyed");
    assert!(refused.diagnostics[0].detail.starts_with("UNAVAILABLE: no"));
}

#[tokio::test]
async fn a_key_that_is_already_gone_is_destroyed() {
    let server = MockServer::start().await;
    let provider = provider(&server).await;
    let state = created(&server, &provider).await;
    server.reset().await;
    Mock::given(method("POST")).respond_with(refusal(404, "NOT_FOUND")).mount(&server).await;
    let destroy = ApplyChange { prior_state: state, planned_state: encoded(Value::Null), ..creation() };
    assert_eq!(provider.apply(destroy).await.diagnostics, []);
}

#[tokio::test]
async fn a_refused_creation_names_the_way_out() {
    let server = MockServer::start().await;
    let provider = provider(&server).await;
    Mock::given(method("POST")).respond_with(refusal(403, "INSUFFICIENT_SCOPE")).mount(&server).await;
    let refused = provider.apply(creation()).await;
    assert_eq!(decoded(refused.new_state.as_ref()), None);
    assert_eq!(
        refused.diagnostics[0].detail,
        "INSUFFICIENT_SCOPE: no\nuse an API key that an admin of the organisation made with the scope admin",
    );
}

#[tokio::test]
async fn keys_are_imported_by_organisation_and_id() {
    let server = MockServer::start().await;
    let provider = provider(&server).await;
    rows(&server, answer(&json!([row()]))).await;
    let import = |id: &str| ImportState { type_name: auth_key::TYPE_NAME.to_owned(), id: id.to_owned() };
    let imported = provider.import(import("org_1/k1")).await;
    let state = decoded(imported.imported_resources[0].state.as_ref()).unwrap();
    assert_eq!(state["expires_in"], Value::Integer(3600));
    assert_eq!(imported.diagnostics[0].severity(), Severity::Warning);
    let nameless = provider.import(import("k1")).await;
    assert_eq!(nameless.diagnostics[0].detail, "Write ORG_ID/KEY_ID.");
}

#[tokio::test]
async fn machines_are_read_page_by_page() {
    let server = MockServer::start().await;
    let provider = provider(&server).await;
    let page = |range: std::ops::Range<u32>| -> Json {
        range
            .map(|n| json!({ "id": format!("m{n:04}"), "name": format!("machine-{n}"), "tags": ["prod"] }))
            .collect()
    };
    let pages = |after: Option<&str>, rows: Json| {
        let mock =
            Mock::given(method("GET")).and(path("/api/db/machines")).and(query_param("order", "id.asc"));
        let mock = match after {
            Some(after) => mock.and(query_param("id", after)),
            None => mock.and(wiremock::matchers::query_param_is_missing("id")),
        };
        mock.respond_with(answer(&rows)).expect(1).mount(&server)
    };
    pages(None, page(0..500)).await;
    pages(Some("gt.m0499"), page(500..501)).await;
    let config = object(&[("org_id", Value::text("org_1")), ("tag", Value::text("tag:prod"))]);
    let asked = TypeConfig { type_name: machines::TYPE_NAME.to_owned(), config: encoded(config) };
    let read = provider.read_data(&asked).await;
    assert_eq!(read.diagnostics, []);
    let Value::List(found) = &decoded(read.state.as_ref()).unwrap()["machines"] else { panic!("no list") };
    assert_eq!(found.len(), 501);
}
