//! `GET /install/ztna`: the agent program, for machines of this server's platform.

use axum::body::Body;
use axum::extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use crate::api::refusals::refusals;
use crate::api::{Error, State};
use crate::domain::Refusal;

/// The size of one read, large because each read switches threads.
const CHUNK_SIZE: usize = 1 << 20;

/// Downloads the program that install.sh installs.
#[utoipa::path(
    get,
    path = "/install/ztna",
    responses(
        (status = 200, description = "The program", body = Vec<u8>, content_type = "application/octet-stream"),
        AgentProgramRefusals,
    )
)]
pub async fn agent_program(extract::State(state): extract::State<State>) -> Result<Response, Error> {
    let program = state.settings.agent_program.as_ref().ok_or(NOT_FOUND)?;
    let opened = async {
        let file = File::open(&program.file).await?;
        let length = file.metadata().await?.len();
        Ok::<_, std::io::Error>((file, length))
    };
    let (file, length) = opened.await.map_err(|error| {
        tracing::error!(%error, file = %program.file.display(), "cannot read the agent program");
        NOT_FOUND
    })?;
    // The length lets curl detect an incomplete download.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    Ok((headers, Body::from_stream(ReaderStream::with_capacity(file, CHUNK_SIZE))).into_response())
}

const NOT_FOUND: Refusal = Refusal::NotFound("Agent program");

refusals!(AgentProgramRefusals: NotFound);
