//! Stands between an observed machine and the target, and records what the machine asks for.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use reqwest::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, TRANSFER_ENCODING, UPGRADE};
use reqwest::{Client, Url};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::exchange::{ClientSettings, ExchangeError, build, causes, joined};

const LONGEST_BODY: usize = 1024 * 1024;

/// A forwarder that runs until it is dropped.
#[derive(Debug)]
pub struct Forwarder {
    base_url: String,
    requests: Recording,
    server: JoinHandle<()>,
}

/// What a machine asks for cannot be passed on.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// There is no client to pass it on with.
    #[error(transparent)]
    Client(#[from] ExchangeError),
    /// There is no port to listen on.
    #[error("no port of loopback can be listened on: {0}")]
    Port(std::io::Error),
}

type Recording = Arc<Mutex<Vec<String>>>;

#[derive(Clone)]
struct Way {
    client: Client,
    base_url: Url,
    requests: Recording,
}

impl Forwarder {
    /// Starts forwarding to the target what comes to this listener.
    ///
    /// # Errors
    /// No client can be made.
    pub fn start(listener: TcpListener, settings: &ClientSettings) -> Result<Self, ForwardError> {
        let requests = Recording::default();
        let way = Way {
            client: build(settings, None)?,
            base_url: settings.base_url.clone(),
            requests: Arc::clone(&requests),
        };
        let address = listener.local_addr().map_err(ForwardError::Port)?;
        let router = Router::new().fallback(pass_on).with_state(way);
        let server = tokio::spawn(async move {
            // It ends with the task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { base_url: format!("http://{address}"), requests, server })
    }

    /// Where the machine finds it.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// What was asked for since the last call: `METHOD /path?query`.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass_on(State(way): State<Way>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let asked = parts.uri.path_and_query().map_or("/", |asked| asked.as_str()).to_owned();
    way.requests.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{} {asked}", parts.method));
    let Ok(body) = to_bytes(body, LONGEST_BODY).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "the forwarder takes no more than 1 MiB").into_response();
    };
    let url = joined(&way.base_url, &asked);
    let forwarded = way.client.request(parts.method, url).headers(end_to_end(parts.headers)).body(body);
    match forwarded.send().await {
        Ok(answer) => {
            let (status, headers) = (answer.status(), end_to_end(answer.headers().clone()));
            match answer.bytes().await {
                Ok(bytes) => (status, headers, Body::from(bytes)).into_response(),
                Err(error) => (StatusCode::BAD_GATEWAY, causes(&error)).into_response(),
            }
        }
        Err(error) => (StatusCode::BAD_GATEWAY, causes(&error)).into_response(),
    }
}

/// Headers that are about one connection stay on it.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
    headers
}
