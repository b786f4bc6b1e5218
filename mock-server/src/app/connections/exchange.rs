//! Requests and answers on a connection, until an answer is deferred.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, Method, StatusCode, Version, header};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::activity::{Activity, ServedBody};
use super::later::Later;
use super::socket::Socket;
use crate::api::deferred::{CanDefer, Deferred};

/// The maximum length of a request's head, in which a query may list 500 ids.
const MAX_HEAD_LEN: usize = 32 * 1024;

/// What a connection's requests need.
pub(super) struct Exchange {
    pub(super) router: Router,
    pub(super) peer: SocketAddr,
    pub(super) activity: Arc<Activity>,
    /// Turns true when the server stops.
    pub(super) stopping: watch::Receiver<bool>,
}

/// Where a request leaves its deferred answer for its connection.
type Deferral = Arc<Mutex<Option<Later>>>;

impl Exchange {
    /// Serves requests until the connection ends, or until one of them waits for its answer.
    pub(super) async fn serve(&self, socket: Socket) -> Option<(Later, Socket)> {
        let deferral = Deferral::default();
        let (router, activity, peer) = (&self.router, &self.activity, self.peer);
        let service = service_fn(|request: Request<Incoming>| {
            activity.begin();
            answer(router.clone(), request.map(Body::new), peer, Arc::clone(activity), Arc::clone(&deferral))
        });
        let mut http = http1::Builder::new();
        http.max_buf_size(MAX_HEAD_LEN);
        let mut connection = http.serve_connection(TokioIo::new(socket), service).with_upgrades();
        let (mut stopping, mut is_stopping) = (self.stopping.clone(), false);
        let later = loop {
            let step = poll_fn(|context| match Pin::new(&mut connection).poll(context) {
                Poll::Ready(ended) => Poll::Ready(Err(ended)),
                Poll::Pending => taken(&deferral).map_or(Poll::Pending, |later| Poll::Ready(Ok(later))),
            });
            tokio::select! {
                step = step => match step {
                    Ok(later) => break later,
                    Err(ended) => {
                        if let Err(error) = ended {
                            // Clients disconnect, stall and send what is not HTTP.
                            tracing::debug!(%error, "a connection ended early");
                        }
                        return None;
                    }
                },
                _ = stopping.wait_for(|stop| *stop), if !is_stopping => {
                    if !self.activity.is_busy() {
                        return None;
                    }
                    is_stopping = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        let parts = connection.into_parts()?;
        let mut socket = parts.io.into_inner();
        socket.pause(parts.read_buf);
        Some((later, socket))
    }
}

async fn answer(
    router: Router,
    mut request: Request,
    peer: SocketAddr,
    activity: Arc<Activity>,
    deferral: Deferral,
) -> Result<Response<ServedBody>, Infallible> {
    request.extensions_mut().insert(ConnectInfo(peer));
    // What is sent later is written without the rules of HTTP for all other requests.
    let is_plain = request.method() == Method::GET && request.version() == Version::HTTP_11;
    if is_plain && request.body().is_end_stream() {
        request.extensions_mut().insert(CanDefer);
    }
    let closes = closes(request.headers());
    let mut response = router.oneshot(request).await?;
    let deferred: Option<Deferred> = response.extensions_mut().remove();
    if let Some(answering) = deferred.and_then(|deferred| deferred.take()) {
        // Something of an earlier answer may be in the buffers that would be given up.
        if activity.is_blocked() {
            response = answering.await;
        } else {
            *deferral.lock().unwrap_or_else(PoisonError::into_inner) = Some(Later { answering, closes });
            // Dropped with the connection's state.
            return std::future::pending().await;
        }
    }
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        activity.upgrade();
    }
    Ok(response.map(|body| ServedBody::new(body, activity)))
}

/// Whether the client asks for the connection to be closed after the answer.
fn closes(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|option| option.trim().eq_ignore_ascii_case("close"))
}

fn taken(deferral: &Deferral) -> Option<Later> {
    deferral.lock().unwrap_or_else(PoisonError::into_inner).take()
}
