//! A proxy between the kit and one control plane of the reference, which changes what passes as its deviation says.

mod exchange;
mod listener;
mod page;
mod recording;
mod upstream;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::future::BoxFuture;
use reqwest::Url;
use tokio::task::JoinHandle;

use crate::deviation::{Deviation, ProxyRequest, ProxyState};
use crate::front_proxy::{RunningProxy, Sessions};

use exchange::ProxyContext;
use listener::{PeerAddress, ProxyListener};
use recording::{FORWARDED_FOR, RecordedEvent};
use upstream::{Upstream, end_to_end};

pub use recording::TrafficRecording;

const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Runs until it is dropped.
pub struct DeviationProxy {
    base_url: Url,
    context: ProxyContext,
    server: JoinHandle<()>,
}

/// How a proxy is started.
pub struct ProxyOptions {
    /// Where the control plane listens.
    pub upstream: Url,
    pub listen: SocketAddr,
    pub sessions: Sessions,
    pub deviation: Deviation,
    /// Becomes true once the deviation has changed something.
    pub triggered: Arc<AtomicBool>,
    /// Where the traffic is recorded, if it is.
    pub recording: Option<TrafficRecording>,
}

impl DeviationProxy {
    /// # Errors
    /// The address cannot be listened on, or the upstream's URL has no address.
    pub async fn start(options: ProxyOptions) -> io::Result<Self> {
        let ProxyOptions { upstream, listen, sessions, deviation, triggered, recording } = options;
        if let Some(recording) = &recording {
            recording.push(RecordedEvent::Started(sessions.clone()));
        }
        let listener = mock_server::app::listen(listen)?;
        let address = format!("http://{}", listener.local_addr()?);
        let base_url = Url::parse(&address).map_err(io::Error::other)?;
        let upstream_address = upstream.socket_addrs(|| None)?.into_iter().next();
        let upstream_address = upstream_address.ok_or(io::ErrorKind::AddrNotAvailable)?;
        let context = ProxyContext {
            upstream: Upstream::new(upstream),
            address,
            deviation,
            state: Arc::new(Mutex::new(ProxyState::new(sessions))),
            triggered,
            recording,
        };
        let router = Router::new().fallback(handle).with_state(context.clone());
        let service = router.into_make_service_with_connect_info::<PeerAddress>();
        let listener = ProxyListener::new(listener, upstream_address)?;
        let server = tokio::spawn(async move {
            // Serving never fails; it ends when the task is aborted.
            let _ = axum::serve(listener, service).await;
        });
        Ok(Self { base_url, context, server })
    }
}

impl RunningProxy for DeviationProxy {
    fn base_url(&self) -> &Url {
        &self.base_url
    }

    fn clock_advanced(&self, by: Duration, sessions: Sessions) -> BoxFuture<'_, ()> {
        if let Some(recording) = &self.context.recording {
            recording.push(RecordedEvent::ClockAdvanced { by, sessions: sessions.clone() });
        }
        let requests = {
            let mut state = self.context.state();
            state.advance_clock(by, sessions);
            (self.context.deviation.on_clock_advance)(&mut state)
        };
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        Box::pin(async move { self.context.send_extra(requests, loopback).await })
    }
}

impl Drop for DeviationProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn handle(
    State(context): State<ProxyContext>,
    ConnectInfo(PeerAddress(peer)): ConnectInfo<PeerAddress>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut headers = end_to_end(parts.headers);
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
    if token.is_some() {
        // Other schemes are passed on unchanged.
        headers.remove(header::AUTHORIZATION);
    }
    let query = parts.uri.query().unwrap_or_default();
    let request = ProxyRequest {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        token,
        headers,
        json: serde_json::from_slice(&body).unwrap_or_default(),
    };
    if context.deviation.trusts_all_proxies && request.headers.contains_key(FORWARDED_FOR) {
        context.set_triggered();
    }
    match context.exchange(peer.ip(), request, body).await {
        Ok(response) => {
            let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::BAD_GATEWAY);
            (status, response.headers, Body::from(response.body)).into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}
