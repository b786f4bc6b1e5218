//! The server side of a dial request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::oneshot;

use super::super::reply::send_line;
use super::message::{Attached, DialAnswer};
use crate::tunnel::{ConnectionEnd, DialedConnection, Tunnel};

/// Connections whose byte stream has not been attached yet.
#[derive(Debug, Clone, Default)]
pub(in crate::local_socket) struct Tickets(Arc<Mutex<Waiting>>);

/// What a command asks to connect to.
pub(in crate::local_socket) struct DialTarget {
    pub(in crate::local_socket) machine: String,
    pub(in crate::local_socket) port: u16,
    pub(in crate::local_socket) limit: Duration,
}

type Waiting = HashMap<u64, oneshot::Sender<UnixStream>>;

impl Tickets {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connects to a machine and waits for the end of the connection, which is aborted if the command disconnects.
pub(in crate::local_socket) async fn answer(
    stream: &mut BufReader<UnixStream>,
    tunnel: Result<Tunnel, &str>,
    tickets: Tickets,
    target: DialTarget,
) {
    let tunnel = match tunnel {
        Ok(tunnel) => tunnel,
        Err(reason) => return send_line(stream, &DialAnswer::Failure(reason.to_owned())).await,
    };
    let (attach, end) = match tunnel.dial(target.machine, target.port, target.limit).await {
        Ok(DialedConnection::Userspace { attach, end }) => (attach, end),
        Ok(DialedConnection::Kernel(ip)) => return send_line(stream, &DialAnswer::Kernel(ip)).await,
        Err(failure) => return send_line(stream, &DialAnswer::Failure(failure.to_string())).await,
    };
    let ticket = rand::random();
    tickets.waiting().insert(ticket, attach);
    send_line(stream, &DialAnswer::Connected { ticket }).await;
    let ended = tokio::select! {
        ended = end => Some(ended.unwrap_or(ConnectionEnd::Lost)),
        _ = stream.read_u8() => None,
    };
    tickets.waiting().remove(&ticket);
    if let Some(ended) = ended {
        send_line(stream, &ended).await;
    }
}

/// Hands the socket to the connection of this ticket.
pub(in crate::local_socket) async fn attach(
    mut stream: BufReader<UnixStream>,
    tickets: Tickets,
    ticket: u64,
) {
    let waiting = tickets.waiting().remove(&ticket);
    if let Some(waiting) = waiting {
        send_line(&mut stream, &Attached { ticket }).await;
        // Nothing was read beyond the request, since the command waits for the answer.
        let _ = waiting.send(stream.into_inner());
    }
}
