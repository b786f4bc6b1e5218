//! `advance` and `wait`: time passes for the target.

use std::time::Duration;

use serde_json::json;

use super::error::StepError;
use super::http;
use super::stage::Stage;
use harness_model::check::evidence::Evidence;
use harness_model::scenario::model::{Authorisation, Body, Passage, Request, Template};

/// The interval of heartbeats. No document says after what silence a machine is offline; agents send one at least
/// this often.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(30);

/// Advances the target's clock.
///
/// # Errors
/// The target has no clock hook, or the hook failed.
pub async fn advance(passage: &Passage, stage: &mut Stage) -> Result<Evidence, StepError> {
    pass(passage, stage, true).await
}

/// Advances the target's clock, or waits in real time if it cannot be advanced.
///
/// # Errors
/// The clock hook failed.
pub async fn wait(passage: &Passage, stage: &mut Stage) -> Result<Evidence, StepError> {
    let has_clock = stage.environment.has_clock();
    pass(passage, stage, has_clock).await
}

/// Lets time pass, then renews `${token.…}`: the sessions may have expired. Machines that are to stay online send
/// heartbeats meanwhile.
async fn pass(passage: &Passage, stage: &mut Stage, advances: bool) -> Result<Evidence, StepError> {
    let piece = if passage.keeping.is_empty() { passage.duration } else { HEARTBEAT_INTERVAL };
    let mut left = passage.duration;
    while !left.is_zero() {
        if advances {
            stage.environment.advance(piece.min(left)).await?;
        } else {
            stage.slot.wait(piece.min(left), stage.clients.pace()).await;
        }
        left = left.saturating_sub(piece);
        for credential in &passage.keeping {
            // Whatever the answer is: the target may have removed the machine, which the checks must show.
            http::perform(&heartbeat(credential), stage).await?;
        }
    }
    for (identity, name) in harness_model::scenario::model::IDENTITIES {
        let variable = format!("token.{name}");
        if stage.bindings.has_built_in(&variable) {
            let token = stage.environment.token(identity).await?;
            stage.bindings.set_built_in(&variable, token);
        }
    }
    Ok(Evidence::Nothing)
}

fn heartbeat(credential: &Template) -> Request {
    Request {
        method: "POST".to_owned(),
        path: Template { text: "/api/heartbeat".to_owned(), span: credential.span.clone() },
        query: Vec::new(),
        authorisation: Authorisation::Bearer(credential.clone()),
        headers: Vec::new(),
        body: Body::Json { value: json!({}), span: credential.span.clone() },
        from: None,
    }
}
