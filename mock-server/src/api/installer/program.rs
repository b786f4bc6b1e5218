//! `GET /install/ztna`: the agent program, for machines of this server's platform, and its checksum.

use axum::body::Body;
use axum::extract;
use axum::http::{Extensions, HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::{AgentProgram, Download};
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
    let (program, download) = match begin(&state, &extensions, &headers).await? {
        Ok(begun) => begun,
        Err(busy) => return Ok(busy),
    };
    let content = state.downloads.content(&program.file, download).await;
    let content = content.map_err(|error| unreadable(&program, &error))?;
    // Its length is sent, which lets curl detect an incomplete download.
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], Body::from(content)).into_response())
}

/// Returns the SHA-256 of the program, in the form that `sha256sum -c` reads.
#[utoipa::path(
    get,
    path = "/install/ztna.sha256",
    responses(
        (status = 200, description = "64 hex digits, two spaces and the name of the program", body = String, content_type = "text/plain"),
        (status = 503, description = "UNAVAILABLE", body = Failed),
        AgentProgramRefusals,
    )
)]
pub async fn agent_checksum(
    extract::State(state): extract::State<State>,
    extensions: Extensions,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let (program, download) = match begin(&state, &extensions, &headers).await? {
        Ok(begun) => begun,
        Err(busy) => return Ok(busy),
    };
    let checksum = state.downloads.checksum(&program.file, download).await;
    let checksum = checksum.map_err(|error| unreadable(&program, &error))?;
    Ok(format!("{checksum}  ztna\n").into_response())
}

type Begun = Result<(AgentProgram, Download), Response>;

async fn begin(state: &State, extensions: &Extensions, headers: &HeaderMap) -> Result<Begun, Refusal> {
    let program = state.settings.agent_program.clone().ok_or(NOT_FOUND)?;
    let address = client_address(extensions, headers, state);
    Ok(match state.downloads.begin(address).await {
        Some(download) => Ok((program, download)),
        None => Err(error::unavailable("too many downloads at once; try again".to_owned())),
    })
}

fn unreadable(program: &AgentProgram, error: &std::io::Error) -> Refusal {
    tracing::error!(%error, file = %program.file.display(), "cannot read the agent program");
    NOT_FOUND
}

const NOT_FOUND: Refusal = Refusal::NotFound("Agent program");

refusals!(AgentProgramRefusals: NotFound);
