//! `get`, `post`, `put`, `patch`, `delete`: performs one HTTP exchange.

use std::net::IpAddr;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::error::StepError;
use super::stage::Stage;
use crate::exchange::{Caller, PreparedRequest, send};
use crate::targets::TestEnvironment;
use harness_model::check::evidence::Evidence;
use harness_model::number::json_text;
use harness_model::scenario::model::identity_name;
use harness_model::scenario::model::{Authorisation, Body, Request};
use harness_model::scenario::template::{Scope, TemplateError, fill_path, fill_template, fill_value};

/// Sends the request and records the exchange.
///
/// # Errors
/// The request cannot be built, or no complete response arrives.
pub async fn perform(request: &Request, stage: &mut Stage) -> Result<Evidence, StepError> {
    let session = session(request, stage).await?;
    let prepared = prepare(request, &stage.environment, session.as_deref(), stage.bindings.scope())?;
    open_gate(&prepared, stage).await?;
    let client = stage.clients.from_address(prepared.from)?;
    let mut exchange = send(&client, &prepared).await?;
    if exchange.status == 401
        && let Some(session) = renew_session(request, &client, session.as_deref(), stage).await?
    {
        let prepared = prepare(request, &stage.environment, Some(&session), stage.bindings.scope())?;
        exchange = send(&client, &prepared).await?;
    }
    stage.environment.adapt(&mut exchange);
    Ok(Evidence::Http(vec![exchange]))
}

/// Opens a gate for a request from an address that this host does not have.
pub(super) async fn open_gate(prepared: &PreparedRequest, stage: &mut Stage) -> Result<(), StepError> {
    if let Some(from) = prepared.from
        && !stage.clients.knows(from)
        && let Some(gate) = stage.environment.gate(from).await?
    {
        stage.clients.add_gate(from, gate);
    }
    Ok(())
}

/// Returns a new session if the request's has ended on a shared target. The refusal of an expired session says nothing
/// about conformance, and the refused request had no effect, so it can be sent again.
pub(super) async fn renew_session(
    request: &Request,
    client: &Caller,
    session: Option<&str>,
    stage: &mut Stage,
) -> Result<Option<String>, StepError> {
    let (Authorisation::Identity(identity), Some(refused)) = (&request.authorisation, session) else {
        return Ok(None);
    };
    let revived = stage.environment.renew_session(client, *identity, refused).await?;
    let variable = format!("token.{}", identity_name(*identity));
    if let Some(token) = &revived
        && stage.bindings.has_built_in(&variable)
    {
        stage.bindings.set_built_in(&variable, token.clone());
    }
    Ok(revived)
}

/// Returns the token of the identity that the request acts as.
pub(super) async fn session(request: &Request, stage: &Stage) -> Result<Option<String>, StepError> {
    match request.authorisation {
        Authorisation::Identity(identity) => Ok(Some(stage.environment.token(identity).await?)),
        Authorisation::Nobody | Authorisation::Bearer(_) => Ok(None),
    }
}

/// Fills in the request's templates.
pub(super) fn prepare(
    request: &Request,
    environment: &TestEnvironment,
    session: Option<&str>,
    scope: Scope<'_>,
) -> Result<PreparedRequest, StepError> {
    let (body, is_json) = body(&request.body, scope)?;
    Ok(PreparedRequest {
        method: Method::from_bytes(request.method.as_bytes())
            .map_err(|_| StepError::Request(format!("invalid method `{}`", request.method)))?,
        url: url(request, environment, scope)?,
        headers: headers(request, session, is_json, scope)?,
        body,
        from: from(request, scope)?,
    })
}

fn url(request: &Request, environment: &TestEnvironment, scope: Scope<'_>) -> Result<Url, StepError> {
    let path = fill_path(&request.path, scope)?.unwrap_or_default();
    let text = format!("{}{path}", environment.base_url().as_str().trim_end_matches('/'));
    let mut url =
        Url::parse(&text).map_err(|error| StepError::Request(format!("invalid URL `{text}`: {error}")))?;
    for (name, template) in &request.query {
        if let Some(value) = fill_template(template, scope)? {
            url.query_pairs_mut().append_pair(name, &value);
        }
    }
    environment.redirect(&mut url);
    Ok(url)
}

fn body(body: &Body, scope: Scope<'_>) -> Result<(Option<String>, bool), TemplateError> {
    Ok(match body {
        Body::None => (None, false),
        Body::Json { value, .. } => (fill_value(value, scope)?.map(|value| json_text(&value)), true),
        Body::Text(template) => (fill_template(template, scope)?, false),
    })
}

fn headers(
    request: &Request,
    session: Option<&str>,
    is_json: bool,
    scope: Scope<'_>,
) -> Result<HeaderMap, StepError> {
    let mut headers = HeaderMap::new();
    if is_json {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let bearer = match (&request.authorisation, session) {
        (Authorisation::Bearer(template), _) => fill_template(template, scope)?,
        (_, session) => session.map(str::to_owned),
    };
    if let Some(bearer) = bearer {
        headers.insert(AUTHORIZATION, header_value("Authorization", &format!("Bearer {bearer}"))?);
    }
    for (name, template) in &request.headers {
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| StepError::Request(format!("invalid header name `{name}`")))?;
        match fill_template(template, scope)? {
            Some(value) => headers.insert(header, header_value(name, &value)?),
            None => headers.remove(header),
        };
    }
    Ok(headers)
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, StepError> {
    // The value may be a secret, so the message only names the header.
    let mut value = HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| StepError::Request(format!("invalid characters in the value of header `{name}`")))?;
    value.set_sensitive(name.eq_ignore_ascii_case("authorization"));
    Ok(value)
}

fn from(request: &Request, scope: Scope<'_>) -> Result<Option<IpAddr>, StepError> {
    let Some(template) = &request.from else { return Ok(None) };
    let Some(text) = fill_template(template, scope)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| StepError::Request(format!("invalid IP address in `from`: `{text}`")))
}
