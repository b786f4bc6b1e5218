//! Serves HTTP connections, of which strangers can open as many as they like and send nothing.
//!
//! A connection has deadlines for each request's head, for pauses between requests and for the client's reading. Their
//! number is limited, in all and by address; where a limit is reached, the oldest connection without a request gives way,
//! so that those in use are served on. HTTP/1.1 only: see the decision record 020.
//!
//! While a request waits for an answer that is deferred ([`crate::api::deferred`]), its connection gives up the buffers and
//! the state of HTTP: see the decision record 041.

mod activity;
mod descriptors;
mod exchange;
mod later;
mod limits;
mod listener;
mod registry;
mod socket;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use activity::Activity;
pub(super) use descriptors::raise_limit;
use exchange::Exchange;
pub(super) use limits::Limits;
pub use listener::listen;
use registry::{Admission, Registry};
use socket::Socket;

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
    let exchange = Exchange { router: router.clone(), peer, activity, stopping: stopping.clone() };
    let serving = serve_connection(socket, exchange);
    let number = admission.number();
    let task = tasks.spawn(async move {
        let _admission: Admission = admission;
        serving.await;
    });
    registry.started(number, task);
}

async fn serve_connection(mut socket: Socket, exchange: Exchange) {
    let mut stopping = exchange.stopping.clone();
    loop {
        let begun = tokio::select! {
            begun = socket.begun() => begun.is_ok(),
            _ = stopping.wait_for(|stop| *stop) => false,
        };
        if !begun {
            return;
        }
        // Boxed, so that it takes no memory while the request waits.
        let Some((later, back)) = Box::pin(exchange.serve(socket)).await else { return };
        socket = back;
        if !later.answer(&mut socket, &exchange.activity, &stopping).await {
            return;
        }
    }
}

/// Whether accepting failed because of that connection, and the next one may succeed.
fn is_of_the_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
