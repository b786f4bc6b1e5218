//! `race`: sends many requests at the same moment.

use std::num::NonZeroU32;
use std::sync::Arc;

use reqwest::Method;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::error::StepError;
use super::stage::Stage;
use crate::exchange::{Caller, PreparedRequest, send};
use crate::step::http::{open_gate, prepare, renew_session, session};
use harness_model::check::evidence::{Evidence, Exchange};
use harness_model::scenario::model::Request;

/// Sends the request once per contestant, all at once and over connections that are already open.
///
/// # Errors
/// A request cannot be built, or one of them gets no complete response.
pub async fn perform(
    request: &Request,
    contestants: NonZeroU32,
    stage: &mut Stage,
) -> Result<Evidence, StepError> {
    let session = session(request, stage).await?;
    let mut responses = send_all(request, contestants, session.as_deref(), stage).await?;
    let client = stage.clients.from_address(None)?;
    if responses.iter().all(|response| response.status == 401)
        && let Some(session) = renew_session(request, &client, session.as_deref(), stage).await?
    {
        responses = send_all(request, contestants, Some(&session), stage).await?;
    }
    responses.iter_mut().for_each(|response| stage.environment.adapt(response));
    Ok(Evidence::Http(responses))
}

async fn send_all(
    request: &Request,
    contestants: NonZeroU32,
    session: Option<&str>,
    stage: &mut Stage,
) -> Result<Vec<Exchange>, StepError> {
    let mut prepared = Vec::new();
    for contestant in 1..=contestants.get() {
        stage.bindings.enter_contestant(Some(contestant));
        let filled = prepare(request, &stage.environment, session, stage.bindings.scope());
        stage.bindings.enter_contestant(None);
        let filled = filled?;
        open_gate(&filled, stage).await?;
        prepared.push((stage.clients.separate(filled.from)?, filled));
    }
    // Each contestant sends two requests: one to open its connection, one in the race.
    stage.clients.pace().reserve(contestants.get().saturating_mul(2)).await;
    send_together(prepared).await
}

async fn send_together(prepared: Vec<(Caller, PreparedRequest)>) -> Result<Vec<Exchange>, StepError> {
    let barrier = Arc::new(Barrier::new(prepared.len()));
    let mut running = JoinSet::new();
    for (position, (client, request)) in prepared.into_iter().enumerate() {
        let barrier = Arc::clone(&barrier);
        running.spawn(async move {
            warm(&client, &request).await;
            barrier.wait().await;
            (position, send(&client, &request).await)
        });
    }
    let mut responses = Vec::new();
    while let Some(finished) = running.join_next().await {
        let (position, response) =
            finished.map_err(|error| StepError::Request(format!("a contestant failed: {error}")))?;
        responses.push((position, response?));
    }
    responses.sort_by_key(|(position, _)| *position);
    Ok(responses.into_iter().map(|(_, exchange)| exchange).collect())
}

/// Opens the contestant's connection. The result is ignored: a connection that fails here fails in the race, too.
async fn warm(client: &Caller, request: &PreparedRequest) {
    let mut url = request.url.clone();
    url.set_path("/healthz");
    url.set_query(None);
    let warm_up = PreparedRequest {
        method: Method::GET,
        url,
        headers: reqwest::header::HeaderMap::new(),
        body: None,
        from: request.from,
    };
    let _ = send(client, &warm_up).await;
}
