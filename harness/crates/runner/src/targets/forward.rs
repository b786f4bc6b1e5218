//! A proxy between an observed machine and the target that records the machine's requests.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use reqwest::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, TRANSFER_ENCODING, UPGRADE};
use reqwest::{Client, Url};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::exchange::{ClientSettings, ExchangeError, build, causes, joined};

const MAX_BODY_BYTES: usize = 1024 * 1024;

/// A proxy that runs until it is dropped.
#[derive(Debug)]
pub struct Forwarder {
    base_url: String,
    requests: RequestLog,
    is_offline: Arc<AtomicBool>,
    server: JoinHandle<()>,
}

/// Why forwarding could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    #[error(transparent)]
    Client(#[from] ExchangeError),
    #[error("failed to listen on a loopback port: {0}")]
    Port(std::io::Error),
}

type RequestLog = Arc<Mutex<Vec<String>>>;

#[derive(Clone)]
struct ForwardState {
    client: Client,
    base_url: Url,
    requests: RequestLog,
    is_offline: Arc<AtomicBool>,
}

/// Accepts connections; while offline it closes them at once.
struct Gate {
    listener: TcpListener,
    is_offline: Arc<AtomicBool>,
}

impl Forwarder {
    /// Starts forwarding the listener's requests to the target.
    pub fn start(listener: TcpListener, settings: &ClientSettings) -> Result<Self, ForwardError> {
        let requests = RequestLog::default();
        let state = ForwardState {
            client: build(settings, None)?,
            base_url: settings.base_url.clone(),
            requests: Arc::clone(&requests),
            is_offline: Arc::default(),
        };
        let address = listener.local_addr().map_err(ForwardError::Port)?;
        let is_offline = Arc::clone(&state.is_offline);
        let gate = Gate { listener, is_offline: Arc::clone(&is_offline) };
        let router = Router::new().fallback(forward).with_state(state);
        let server = tokio::spawn(async move {
            // The server ends when the task is aborted.
            let _ = axum::serve(gate, router).await;
        });
        Ok(Self { base_url: format!("http://{address}"), requests, is_offline, server })
    }

    /// The URL for the machine.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Cuts the machine off the target, or connects it again.
    pub fn set_offline(&self, is_offline: bool) {
        self.is_offline.store(is_offline, Ordering::SeqCst);
    }

    /// Returns the requests since the last call, as `METHOD /path?query`.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl axum::serve::Listener for Gate {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let accepted = axum::serve::Listener::accept(&mut self.listener).await;
            if !self.is_offline.load(Ordering::SeqCst) {
                return accepted;
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn forward(State(state): State<ForwardState>, request: Request) -> Response {
    if state.is_offline.load(Ordering::SeqCst) {
        // A connection from before: what runs in the background keeps it open.
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let (parts, body) = request.into_parts();
    let path_and_query =
        parts.uri.path_and_query().map_or("/", |path_and_query| path_and_query.as_str()).to_owned();
    state
        .requests
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(format!("{} {path_and_query}", parts.method));
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "request body too large: the forwarder's limit is 1 MiB")
            .into_response();
    };
    let url = joined(&state.base_url, &path_and_query);
    let forwarded = state.client.request(parts.method, url).headers(end_to_end(parts.headers)).body(body);
    match forwarded.send().await {
        Ok(response) => {
            let (status, headers) = (response.status(), end_to_end(response.headers().clone()));
            match response.bytes().await {
                Ok(bytes) => (status, headers, Body::from(bytes)).into_response(),
                Err(error) => (StatusCode::BAD_GATEWAY, causes(&error)).into_response(),
            }
        }
        Err(error) => (StatusCode::BAD_GATEWAY, causes(&error)).into_response(),
    }
}

/// Removes the headers that apply to one connection only.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
    headers
}
