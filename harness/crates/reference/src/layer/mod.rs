//! Stands between the kit and the reference, and bends what passes.

mod entrance;
mod origin;
mod tape;
mod way;

use std::io;
use std::net::{IpAddr, SocketAddr};
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
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::deviation::{Asked, Deviation, Memory};
use crate::front::{Sessions, Standing};

use entrance::{Entrance, Peer};
use origin::{Origin, end_to_end};
use tape::Passed;
pub use tape::Tape;
use way::Way;

const LONGEST_BODY: usize = 1024 * 1024;

/// A layer that stands until it is dropped.
pub struct Layer {
    base_url: Url,
    way: Way,
    server: JoinHandle<()>,
}

impl Layer {
    /// Listens in front of the reference at `origin`; `fired` becomes true once something was really bent. What passes
    /// is recorded on the tape, if there is one.
    ///
    /// # Errors
    /// It cannot listen there.
    pub async fn stand(
        origin: Url,
        listen: SocketAddr,
        sessions: Sessions,
        deviation: Deviation,
        fired: Arc<AtomicBool>,
        tape: Option<Tape>,
    ) -> io::Result<Self> {
        if let Some(tape) = &tape {
            tape.record(Passed::Beginning(sessions.clone()));
        }
        let listener = TcpListener::bind(listen).await?;
        let here = format!("http://{}", listener.local_addr()?);
        let base_url = Url::parse(&here).map_err(io::Error::other)?;
        let memory = Arc::new(Mutex::new(Memory::of(sessions)));
        let relay = origin.socket_addrs(|| None)?.into_iter().next();
        let relay = relay.ok_or(io::ErrorKind::AddrNotAvailable)?;
        let way = Way { origin: Origin::new(origin), here, deviation, memory, fired, tape };
        let router = Router::new().fallback(pass).with_state(way.clone());
        let service = router.into_make_service_with_connect_info::<Peer>();
        let entrance = Entrance::open(listener, relay)?;
        let server = tokio::spawn(async move {
            // It ends with the task.
            let _ = axum::serve(entrance, service).await;
        });
        Ok(Self { base_url, way, server })
    }
}

impl Standing for Layer {
    fn base_url(&self) -> &Url {
        &self.base_url
    }

    fn time_passed(&self, by: Duration, sessions: Sessions) -> BoxFuture<'_, ()> {
        if let Some(tape) = &self.way.tape {
            tape.record(Passed::Time { by, sessions: sessions.clone() });
        }
        let errands = {
            let mut memory = self.way.memory();
            memory.time_passed(by, sessions);
            (self.way.deviation.later)(&mut memory)
        };
        Box::pin(async move { self.way.run(errands, IpAddr::from([127, 0, 0, 1])).await })
    }
}

impl Drop for Layer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(
    State(way): State<Way>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut headers = end_to_end(parts.headers);
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
    if token.is_some() {
        // What came as another scheme goes on as it is.
        headers.remove(header::AUTHORIZATION);
    }
    let query = parts.uri.query().unwrap_or_default();
    let asked = Asked {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        token,
        json: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let is_forwarded = headers.contains_key("x-forwarded-for");
    if way.deviation.trusts_every_proxy && is_forwarded {
        way.fire();
    }
    match way.exchange(peer.ip(), asked, headers, body).await {
        Ok(answer) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
            (status, answer.headers, Body::from(answer.body)).into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error).into_response(),
    }
}
