//! A reverse proxy in front of the served reference, which makes it lack or move what no document describes. It changes
//! the exchanges of the kit only: the reference's agent speaks to its own control plane.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use tokio::runtime::Runtime;

/// A request on its way to the reference.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// The path with its query.
    pub(crate) target: String,
    /// Whether the kit sent it, not an agent.
    pub(crate) is_kit: bool,
    /// The body; null if it is not JSON.
    pub(crate) json: Value,
}

impl Asked {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }
}

/// What the proxy does with a request.
pub(crate) enum Turn {
    /// The target responds with this status and JSON.
    Answer(u16, Value),
    /// The request goes to the reference as it is now.
    Pass,
}

type OnRequest = dyn Fn(&mut Asked) -> Turn + Send + Sync;
type OnResponse = dyn Fn(&Asked, &mut Value) + Send + Sync;
type OnPassed = dyn Fn(&Asked) + Send + Sync;

/// Changes requests and JSON responses.
pub(crate) struct Bend {
    pub(crate) request: Box<OnRequest>,
    /// Gets the request as it arrived.
    pub(crate) response: Box<OnResponse>,
    /// Gets each request, also those of agents, once the reference has answered it. The answer waits for this.
    pub(crate) passed: Box<OnPassed>,
}

impl Default for Bend {
    /// Changes nothing.
    fn default() -> Self {
        Self { request: Box::new(|_| Turn::Pass), response: Box::new(|_, _| {}), passed: Box::new(|_| {}) }
    }
}

/// Runs until it is dropped.
pub(crate) struct Proxy {
    pub(crate) base_url: String,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

struct Shared {
    upstream: String,
    client: reqwest::Client,
    bend: Bend,
    asked: Mutex<Vec<Asked>>,
    /// What browsers get in place of the reference's pages.
    page: Mutex<Option<String>>,
}

impl Proxy {
    pub(crate) fn start(upstream: &str, bend: Bend) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            client,
            bend,
            asked: Mutex::default(),
            page: Mutex::default(),
        });
        let service = Router::new().fallback(forward).with_state(Arc::clone(&shared));
        let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { base_url: format!("http://{address}"), shared, _runtime: runtime }
    }

    /// Serves this page for every address that is not of the API.
    pub(crate) fn serve_page(&self, page: String) {
        *self.shared.page.lock().unwrap() = Some(page);
    }

    /// The requests so far, as they arrived.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }
}

async fn forward(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body: Bytes = to_bytes(body, usize::MAX).await.unwrap();
    let agent = head.headers.get("user-agent").and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let arrived = Asked {
        method: head.method.clone(),
        is_kit: agent.starts_with("quickztna-harness/"),
        target: head.uri.path_and_query().unwrap().to_string(),
        json: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let page = shared.page.lock().unwrap().clone();
    if let Some(page) = page.filter(|_| !arrived.is_kit && !arrived.target.starts_with("/api/")) {
        return axum::response::Html(page).into_response();
    }
    shared.asked.lock().unwrap().push(arrived.clone());
    let mut asked = arrived.clone();
    if asked.is_kit
        && let Turn::Answer(status, json) = (shared.bend.request)(&mut asked)
    {
        return (StatusCode::from_u16(status).unwrap(), axum::Json(json)).into_response();
    }
    let mut headers: HeaderMap = head.headers;
    for name in ["host", "content-length", "connection"] {
        headers.remove(name);
    }
    let body = if asked.json == arrived.json { body } else { Bytes::from(asked.json.to_string()) };
    let url = format!("{}{}", shared.upstream, asked.target);
    let sent = shared.client.request(asked.method, url).headers(headers).body(body).send().await;
    let Ok(response) = sent else { return StatusCode::BAD_GATEWAY.into_response() };
    let (status, mut headers) = (response.status(), response.headers().clone());
    let mut bytes = response.bytes().await.unwrap_or_default();
    tokio::task::block_in_place(|| (shared.bend.passed)(&arrived));
    if arrived.is_kit
        && let Ok(mut json) = serde_json::from_slice::<Value>(&bytes)
    {
        let original = json.clone();
        (shared.bend.response)(&arrived, &mut json);
        if json != original {
            bytes = json.to_string().into();
        }
    }
    headers.remove("content-length");
    headers.remove("transfer-encoding");
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
