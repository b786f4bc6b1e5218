//! `GET /install/ztna`: the agent program, for machines of this server's platform.

use axum::body::Body;
use axum::extract;
use axum::http::{Extensions, HeaderMap, header};
use axum::response::{IntoResponse, Response};

use crate::api::client_address::client_address;
use crate::api::envelope::Failed;
use crate::api::refusals::refusals;
use crate::api::{Error, State, error};
use crate::domain::Refusal;

/// Downloads the program that install.sh installs.
#[utoipa::path(
    get,
    path = "/install/ztna",
    responses(
        (status = 200, description = "The program", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 503, description = "UNAVAILABLE", body = Failed),
        AgentProgramRefusals,
    )
)]
pub async fn agent_program(
    extract::State(state): extract::State<State>,
    extensions: Extensions,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let program = state.settings.agent_program.as_ref().ok_or(NOT_FOUND)?;
    let address = client_address(&extensions, &headers, &state);
    let Some(download) = state.downloads.begin(address).await else {
        return Ok(error::unavailable("too many downloads at once; try again".to_owned()));
    };
    let content = state.downloads.content(&program.file, download).await.map_err(|error| {
        tracing::error!(%error, file = %program.file.display(), "cannot read the agent program");
        NOT_FOUND
    })?;
    // Its length is sent, which lets curl detect an incomplete download.
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], Body::from(content)).into_response())
}

const NOT_FOUND: Refusal = Refusal::NotFound("Agent program");

refusals!(AgentProgramRefusals: NotFound);
