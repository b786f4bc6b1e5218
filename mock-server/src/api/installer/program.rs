//! `GET /install/ztna`: the agent's program, for machines of this server's kind.

use axum::body::Body;
use axum::extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use crate::api::envelope::Failed;
use crate::api::{Error, State};
use crate::domain::Refusal;

/// How much is read at once. Small pieces would each cost a change of threads.
const PIECE: usize = 1 << 20;

/// The program that install.sh installs.
#[utoipa::path(
    get,
    path = "/install/ztna",
    responses(
        (status = 200, description = "The program", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, description = "NOT_FOUND: this server has none to give", body = Failed),
    )
)]
pub async fn agent_program(extract::State(state): extract::State<State>) -> Result<Response, Error> {
    let program = state.settings.agent_program.as_ref().ok_or(NONE)?;
    let opened = async {
        let file = File::open(&program.file).await?;
        let length = file.metadata().await?.len();
        Ok::<_, std::io::Error>((file, length))
    };
    let (file, length) = opened.await.map_err(|error| {
        tracing::error!(%error, file = %program.file.display(), "the agent's program cannot be read");
        NONE
    })?;
    // The length lets curl notice a download that broke off.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    Ok((headers, Body::from_stream(ReaderStream::with_capacity(file, PIECE))).into_response())
}

const NONE: Refusal = Refusal::NotFound("The agent's program");
