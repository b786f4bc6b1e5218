//! `advance`: moves the target's clock forward.

use std::time::Duration;

use serde_json::json;

use super::error::StepError;
use super::http;
use super::stage::Stage;
use harness_model::check::evidence::Evidence;
use harness_model::scenario::model::{Advance, Authorisation, Body, Request, Template};

/// The interval of heartbeats. No document says after what silence a machine is offline; agents send one at least
/// this often.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(30);

/// Advances the target's clock, then renews `${token.…}`: the sessions may have expired. Machines that are to stay
/// online send heartbeats meanwhile.
pub async fn perform(advance: &Advance, stage: &mut Stage) -> Result<Evidence, StepError> {
    let piece = if advance.keeping.is_empty() { advance.by } else { HEARTBEAT_INTERVAL };
    let mut left = advance.by;
    while !left.is_zero() {
        stage.environment.advance(piece.min(left)).await?;
        left = left.saturating_sub(piece);
        for credential in &advance.keeping {
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
