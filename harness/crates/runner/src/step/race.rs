//! `race`: sends many requests at the same moment.

use std::num::NonZeroU32;
use std::sync::Arc;

use reqwest::Method;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::error::StepError;
use super::stage::Stage;
use crate::exchange::{Caller, Pace, PreparedRequest, joined, send};
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
    send_together(prepared, stage.clients.pace()).await
}

/// Only the race itself is a burst: the requests that open its connections take turns like any other. They come after the
/// pause that makes up for the race, since both sides close connections that are idle for long.
async fn send_together(
    prepared: Vec<(Caller, PreparedRequest)>,
    pace: &Pace,
) -> Result<Vec<Exchange>, StepError> {
    let barrier = Arc::new(Barrier::new(prepared.len().saturating_add(1)));
    let burst = u32::try_from(prepared.len()).unwrap_or(u32::MAX);
    pace.reserve(burst.saturating_sub(1)).await;
    let mut running = JoinSet::new();
    for (position, (client, request)) in prepared.into_iter().enumerate() {
        pace.reserve(1).await;
        let barrier = Arc::clone(&barrier);
        running.spawn(async move {
            warm(&client, &request).await;
            barrier.wait().await;
            (position, send(&client, &request).await)
        });
    }
    // The race's last turn: a target's limit has then recovered from the last warm-up.
    pace.reserve(1).await;
    barrier.wait().await;
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
/// else is on the host is none of the kit's business. The result is ignored: what fails here fails in the race as well.
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
    use tokio::time::Instant;

    use super::*;
    use crate::exchange::{ClientSettings, Rate};

    /// Starts a server that answers every request, and tells their first lines and when they came.
    async fn server() -> (String, UnboundedReceiver<(String, Instant)>) {
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

    async fn serve(mut stream: TcpStream, asked: UnboundedSender<(String, Instant)>) {
        let mut request = Vec::new();
        while stream.read_buf(&mut request).await.is_ok_and(|length| length > 0) {
            if request.ends_with(b"\r\n\r\n") {
                let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
                let _ = asked.send((line, Instant::now()));
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
        send_together(contestants(&settings, 3), &settings.pace).await.unwrap();
        let asked: Vec<String> = std::iter::from_fn(|| lines.try_recv().ok()).map(|(line, _)| line).collect();
        let mut expected = ["GET /cp/v1/api/db/auth_keys HTTP/1.1"; 3].to_vec();
        expected.extend(["POST /cp/v1/api/race HTTP/1.1"; 3]);
        assert_eq!(asked, expected);
    }

    /// A busy machine may send a warm-up late, but never early: one attempt without delays is enough.
    #[tokio::test]
    async fn only_the_race_itself_is_a_burst() {
        let mut spreads = Vec::new();
        for _ in 0..5 {
            let (origin, mut lines) = server().await;
            let pace = Pace::new(Rate { requests_per_second: Some(50.0), concurrency: None });
            let settings = ClientSettings { pace, ..settings(&origin) };
            let begun = Instant::now();
            send_together(contestants(&settings, 6), &settings.pace).await.unwrap();
            let interval = Duration::from_millis(20);
            let asked: Vec<(String, Instant)> = std::iter::from_fn(|| lines.try_recv().ok()).collect();
            let (warm_ups, race) = asked.split_at(6);
            assert!(warm_ups.iter().all(|(line, _)| line.starts_with("GET ")), "{asked:?}");
            assert!(race.iter().all(|(line, _)| line.starts_with("POST ")), "{asked:?}");
            // The race's own turns are over before the first warm-up, but for the last one.
            assert!(warm_ups[0].1 - begun >= interval * 5, "{asked:?}");
            assert!(race.iter().all(|(_, at)| *at - begun >= interval * 11), "{asked:?}");
            let spread = race[0].1 - warm_ups[0].1;
            if spread >= interval * 5 {
                return;
            }
            spreads.push(spread);
        }
        panic!("warm-ups are sent together: {spreads:?}");
    }
}
