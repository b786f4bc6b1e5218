//! `race`: many requests at the same moment.

use std::num::NonZeroU32;
use std::sync::Arc;

use reqwest::Method;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::error::StepError;
use super::stage::Stage;
use crate::exchange::{Caller, PreparedRequest, send};
use crate::step::http::{prepare, revive, session};
use harness_model::check::evidence::{Evidence, Exchange};
use harness_model::scenario::model::Request;

/// Sends that many requests, released together over connections that stand already.
///
/// # Errors
/// A request cannot be made, or one of them got no whole answer.
pub async fn perform(
    request: &Request,
    contestants: NonZeroU32,
    stage: &mut Stage,
) -> Result<Evidence, StepError> {
    let session = session(request, stage).await?;
    let mut answers = run(request, contestants, session.as_deref(), stage).await?;
    let client = stage.clients.from_address(None)?;
    if answers.iter().all(|answer| answer.status == 401)
        && let Some(session) = revive(request, &client, session.as_deref(), stage).await?
    {
        answers = run(request, contestants, Some(&session), stage).await?;
    }
    answers.iter_mut().for_each(|answer| stage.place.adapt(answer));
    Ok(Evidence::Http(answers))
}

async fn run(
    request: &Request,
    contestants: NonZeroU32,
    session: Option<&str>,
    stage: &mut Stage,
) -> Result<Vec<Exchange>, StepError> {
    let mut prepared = Vec::new();
    for contestant in 1..=contestants.get() {
        stage.bindings.enter_contestant(Some(contestant));
        let filled = prepare(request, stage.place.base_url(), session, stage.bindings.scope());
        stage.bindings.enter_contestant(None);
        let filled = filled?;
        prepared.push((stage.clients.separate(filled.from)?, filled));
    }
    // One for the greeting, one for the race.
    stage.clients.pace().reserve(contestants.get().saturating_mul(2)).await;
    release(prepared).await
}

async fn release(prepared: Vec<(Caller, PreparedRequest)>) -> Result<Vec<Exchange>, StepError> {
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
    let mut answers = Vec::new();
    while let Some(finished) = running.join_next().await {
        let (position, answer) =
            finished.map_err(|error| StepError::Request(format!("a contestant was lost: {error}")))?;
        answers.push((position, answer?));
    }
    answers.sort_by_key(|(position, _)| *position);
    Ok(answers.into_iter().map(|(_, exchange)| exchange).collect())
}

/// Whatever this answers, the connection stands afterwards; if it does not, the race itself will tell.
async fn warm(client: &Caller, request: &PreparedRequest) {
    let mut url = request.url.clone();
    url.set_path("/healthz");
    url.set_query(None);
    let greeting = PreparedRequest {
        method: Method::GET,
        url,
        headers: reqwest::header::HeaderMap::new(),
        body: None,
        from: request.from,
    };
    let _ = send(client, &greeting).await;
}
