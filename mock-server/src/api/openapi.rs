//! `GET /api/openapi.json`: the OpenAPI document declared by the routes.

use std::convert::Infallible;
use std::sync::{LazyLock, OnceLock};

use axum::body::{Body, Bytes};
use axum::extract;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde_json::{Value, json};
use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, OpenApi, PathItem, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::envelope::{Failed, Reason};
use super::reached_url::{Arrival, reached_url};
use super::refusals::refusals;
use super::request::KEYWORD_PREFIX;
use super::{Error, State, error};

/// The declarations of the routes, set when they are built.
static DECLARED: OnceLock<OpenApi> = OnceLock::new();

/// The document without what depends on a server's settings; building it takes longer than anything else here.
static DOCUMENT: LazyLock<Option<Value>> = LazyLock::new(|| {
    let mut document = serde_json::to_value(document(DECLARED.get()?)).ok()?;
    restore_keywords(&mut document);
    Some(document)
});

refusals!(DocumentRefusals: InvalidInput);

/// Returns this document.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    responses((status = 200, description = "The OpenAPI document", body = serde_json::Value), DocumentRefusals)
)]
pub async fn openapi(extract::State(state): extract::State<State>, parts: Parts) -> Result<Response, Error> {
    let arrival = Arrival { uri: &parts.uri, headers: &parts.headers, extensions: &parts.extensions };
    let servers = json!([{ "url": reached_url(arrival, &state.settings)? }]);
    let text = match state.openapi.get() {
        Some(text) => text.clone(),
        None => match of_server(&state) {
            // Another request may have been faster.
            Some(text) => state.openapi.get_or_init(|| text).clone(),
            None => return Ok(error::internal()),
        },
    };
    // The servers are those of the request, and the rest, an object's text without its brace, is shared by all.
    let chunks = [Bytes::from(format!("{{\"servers\":{servers},")), text.slice(1..)];
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_LENGTH, chunks.iter().map(Bytes::len).sum::<usize>().to_string()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let body = Body::from_stream(stream::iter(chunks.map(Ok::<_, Infallible>)));
    Ok((headers, body).into_response())
}

/// The document as it is sent but for its servers, with what depends on the server's settings.
fn of_server(state: &State) -> Option<Bytes> {
    let mut document = DOCUMENT.clone()?;
    let regions = state.settings.relays.iter().map(|site| site.region.as_str());
    let relay = document.pointer_mut("/components/schemas/HeartbeatRequest/properties/relay");
    if let Some(Value::Object(schema)) = relay {
        schema.insert("enum".to_owned(), regions.map(Value::from).chain([Value::Null]).collect());
    }
    Some(document.to_string().into())
}

/// Sets the declarations of the routes, which are built once per process.
pub(super) fn publish(declared: OpenApi) {
    let _ = DECLARED.set(declared);
}

/// Adds everything that applies to all routes.
fn document(declared: &OpenApi) -> OpenApi {
    let mut document = declared.clone();
    document.paths.paths.values_mut().for_each(unwrap_optional_bodies);
    document.info = InfoBuilder::new()
        .title("QuickZTNA control plane")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Responses are `{\"success\": true, \"data\": …}`, refusals `{\"success\": false, \"error\": {\"code\", \
             \"message\"}}`; the two endpoints of RFC 8628 use OAuth's format instead.",
        ))
        .build();
    let components = document.components.get_or_insert_with(Components::new);
    components.schemas.insert(Failed::name().into_owned(), Failed::schema());
    components.schemas.insert(Reason::name().into_owned(), Reason::schema());
    for (name, description) in [
        ("session", "An access token: a JWT of /api/auth/login or of the device flow"),
        ("api_key", "An API key, qztna_… or ztna_…, restricted by its scopes"),
        ("machine_token", "A machine token, ztm_…, as returned by /api/register-machine"),
        ("relay_secret", "The secret shared by the control plane and its relays"),
    ] {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
        components.add_security_scheme(name, SecurityScheme::Http(scheme));
    }
    document
}

/// A missing body is optional in the document instead of being null.
fn unwrap_optional_bodies(path: &mut PathItem) {
    let bodies = path.post.iter_mut().filter_map(|operation| operation.request_body.as_mut());
    for body in bodies {
        let RefOr::T(body) = body else { continue };
        for content in body.content.values_mut() {
            let RefOr::T(content) = content else { continue };
            if let Some(RefOr::T(Schema::OneOf(alternatives))) = &mut content.schema
                && alternatives.items.len() == 2
                && alternatives.items.iter().any(is_null)
            {
                alternatives.items.retain(|item| !is_null(item));
                content.schema = alternatives.items.pop();
            }
        }
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}

/// Restores schema keywords that the library only accepts as extensions.
fn restore_keywords(value: &mut Value) {
    match value {
        Value::Object(object) => {
            let names: Vec<String> =
                object.keys().filter(|key| key.starts_with(KEYWORD_PREFIX)).cloned().collect();
            for name in names {
                if let Some((keyword, rule)) = name.strip_prefix(KEYWORD_PREFIX).zip(object.remove(&name)) {
                    object.insert(keyword.to_owned(), rule);
                }
            }
            object.values_mut().for_each(restore_keywords);
        }
        Value::Array(items) => items.iter_mut().for_each(restore_keywords),
        _ => {}
    }
}
