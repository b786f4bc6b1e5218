//! The server side of a dial request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::oneshot;

use super::super::reply::say;
use super::message::{Attached, DialAnswer};
use crate::tunnel::{Dialed, Ended, Tunnel};

/// Connections whose byte stream has not been attached yet.
#[derive(Debug, Clone, Default)]
pub(in crate::local_socket) struct Tickets(Arc<Mutex<Waiting>>);

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
    (machine, port): (String, u16),
    limit: Duration,
) {
    let tunnel = match tunnel {
        Ok(tunnel) => tunnel,
        Err(reason) => return say(stream, &DialAnswer::Failure(reason.to_owned())).await,
    };
    let (attach, end) = match tunnel.dial(machine, port, limit).await {
        Ok(Dialed::Userspace { attach, end }) => (attach, end),
        Ok(Dialed::Kernel(ip)) => return say(stream, &DialAnswer::Kernel(ip)).await,
        Err(failure) => return say(stream, &DialAnswer::Failure(failure.to_string())).await,
    };
    let ticket = rand::random();
    tickets.waiting().insert(ticket, attach);
    say(stream, &DialAnswer::Connected { ticket }).await;
    let ended = tokio::select! {
        ended = end => Some(ended.unwrap_or(Ended::Lost)),
        _ = stream.read_u8() => None,
    };
    tickets.waiting().remove(&ticket);
    if let Some(ended) = ended {
        say(stream, &ended).await;
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
        say(&mut stream, &Attached { ticket }).await;
        // Nothing was read beyond the request, since the command waits for the answer.
        let _ = waiting.send(stream.into_inner());
    }
}
