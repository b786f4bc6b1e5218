//! Serves HTTP connections, of which strangers can open as many as they like and send nothing.
//!
//! A connection has deadlines for each request's head, for pauses between requests and for the client's reading. Their
//! number is limited, in all and by address; where a limit is reached, the oldest connection without a request gives way,
//! so that those in use are served on. HTTP/1.1 only: see the decision record 020.

mod activity;
mod descriptors;
mod limits;
mod registry;
mod socket;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use activity::{Activity, ServedBody};
pub(super) use descriptors::raise_limit;
pub(super) use limits::Limits;
use registry::{Admission, Registry};
use socket::Socket;

/// The maximum length of a request's head, in which a query may list 500 ids.
const MAX_HEAD_LEN: usize = 32 * 1024;
/// The pause after a failure to accept, such as for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The answer to a connection that finds no place; the envelope is that of `api::envelope`.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n\
connection: close\r\ncontent-length: 103\r\n\r\n\
{\"success\":false,\"error\":{\"code\":\"UNAVAILABLE\",\"message\":\"too many open connections; try again later\"}}";

/// Serves connections until `stopping` turns true, and then until their requests are answered.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
) {
    let registry = Arc::new(Registry::new(limits));
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = tasks.join_next() => continue,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => open(&mut tasks, &registry, stream, peer, &router, &stopping),
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection");
                registry.make_room();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    while tasks.join_next().await.is_some() {}
}

fn open(
    tasks: &mut JoinSet<()>,
    registry: &Arc<Registry>,
    stream: TcpStream,
    peer: SocketAddr,
    router: &Router,
    stopping: &watch::Receiver<bool>,
) {
    let activity = Arc::new(Activity::new());
    let Some(admission) = registry.admit(peer.ip(), &activity) else {
        // The connection is closed in either case.
        let _ = stream.try_write(FULL);
        return;
    };
    // Responses are written at once, so delaying segments gains nothing.
    let _ = stream.set_nodelay(true);
    let socket = Socket::new(stream, registry.limits(), Arc::clone(&activity));
    let serving = serve_connection(socket, peer, router.clone(), activity, stopping.clone());
    let number = admission.number();
    let task = tasks.spawn(async move {
        let _admission: Admission = admission;
        serving.await;
    });
    registry.started(number, task);
}

async fn serve_connection(
    socket: Socket,
    peer: SocketAddr,
    router: Router,
    activity: Arc<Activity>,
    mut stopping: watch::Receiver<bool>,
) {
    let of_requests = Arc::clone(&activity);
    let service = service_fn(move |request: Request<Incoming>| {
        of_requests.begin();
        answer(router.clone(), request.map(Body::new), peer, Arc::clone(&of_requests))
    });
    let mut http = http1::Builder::new();
    http.max_buf_size(MAX_HEAD_LEN);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(socket), service).with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = stopping.wait_for(|stop| *stop) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None if activity.is_busy() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        None => return,
    };
    if let Err(error) = ended {
        // Clients disconnect, stall and send what is not HTTP.
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn answer(
    router: Router,
    mut request: Request,
    peer: SocketAddr,
    activity: Arc<Activity>,
) -> Result<Response<ServedBody>, std::convert::Infallible> {
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = router.oneshot(request).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        activity.upgrade();
    }
    Ok(response.map(|body| ServedBody::new(body, activity)))
}

/// Whether accepting failed because of that connection, and the next one may succeed.
fn is_of_the_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
