//! `race`: sends many requests at the same moment.

use std::num::NonZeroU32;
use std::sync::Arc;

use reqwest::Method;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::error::StepError;
use super::stage::Stage;
use crate::exchange::{Caller, PreparedRequest, joined, send};
use crate::step::http::{open_gate, prepare, renew_session, session};
use crate::targets::paths::KEY_LIST;
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

/// Opens the contestant's connection with a documented read below the base URL, which does nothing without a session: what
/// else is on the host is none of the kit's business. The result is ignored: a connection that fails here fails in the race,
/// too.
async fn warm(client: &Caller, request: &PreparedRequest) {
    let warm_up = PreparedRequest {
        method: Method::GET,
        url: joined(&client.settings().base_url, KEY_LIST),
        headers: reqwest::header::HeaderMap::new(),
        body: None,
        from: request.from,
    };
    let _ = send(client, &warm_up).await;
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::Url;
    use reqwest::header::HeaderMap;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

    use super::*;
    use crate::exchange::ClientSettings;

    /// Starts a server that answers every request, and tells their first lines.
    async fn server() -> (String, UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, lines) = unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, asked.clone()));
            }
        });
        (format!("http://{address}"), lines)
    }

    async fn serve(mut stream: TcpStream, asked: UnboundedSender<String>) {
        let mut request = Vec::new();
        while stream.read_buf(&mut request).await.is_ok_and(|length| length > 0) {
            if request.ends_with(b"\r\n\r\n") {
                let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
                let _ = asked.send(line);
                request.clear();
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            }
        }
    }

    fn contestants(settings: &ClientSettings, count: usize) -> Vec<(Caller, PreparedRequest)> {
        let request = PreparedRequest {
            method: Method::POST,
            url: joined(&settings.base_url, "/api/race"),
            headers: HeaderMap::new(),
            body: None,
            from: None,
        };
        let contestant = || (Caller::new(settings, None).unwrap().racing(), request.clone());
        std::iter::repeat_with(contestant).take(count).collect()
    }

    fn settings(base_url: &str) -> ClientSettings {
        let limit = Duration::from_secs(10);
        ClientSettings::plain(Url::parse(base_url).unwrap(), limit, limit)
    }

    #[tokio::test]
    async fn warm_ups_stay_below_the_base_url() {
        let (origin, mut lines) = server().await;
        let settings = settings(&format!("{origin}/cp/v1"));
        send_together(contestants(&settings, 3)).await.unwrap();
        let mut asked = Vec::new();
        while let Ok(line) = lines.try_recv() {
            asked.push(line);
        }
        let mut expected = ["GET /cp/v1/api/db/auth_keys HTTP/1.1"; 3].to_vec();
        expected.extend(["POST /cp/v1/api/race HTTP/1.1"; 3]);
        assert_eq!(asked, expected);
    }
}
