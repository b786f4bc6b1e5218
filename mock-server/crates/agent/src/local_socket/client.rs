//! The client side of the local socket.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::address::SocketAddress;
use super::error::{SocketError, TunnelRequestError};
use super::message::{PingAnswer, Request, RunningStatus};
use crate::tunnel::PingReply;

/// How long the running `ztna up` may take to answer a request.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it may take to stop; its last request to the control plane has a much shorter limit.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// Returns the status of the `ztna up` that runs with `folder`, or `None` if none runs.
pub(crate) fn ask_status(folder: &Path) -> Result<Option<RunningStatus>, SocketError> {
    ask(folder, &Request::Status, ANSWER_TIMEOUT).map_err(|cause| SocketError::new(folder, cause))
}

/// Asks the `ztna up` that runs with `folder` to ping a machine.
pub(crate) fn ping(folder: &Path, machine: &str, limit: Duration) -> Result<PingReply, TunnelRequestError> {
    let milliseconds = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    let request = Request::Ping { machine: machine.to_owned(), limit: milliseconds };
    let answer = ask(folder, &request, limit.saturating_add(ANSWER_TIMEOUT));
    match answer.map_err(|cause| SocketError::new(folder, cause))? {
        Some(PingAnswer::Pong(reply)) => Ok(reply),
        Some(PingAnswer::Failure(reason)) => Err(TunnelRequestError::Failed(reason)),
        None => Err(TunnelRequestError::NotRunning),
    }
}

/// Stops the `ztna up` that runs with `folder`, waits until it has stopped, and returns whether one ran.
pub(crate) fn stop(folder: &Path) -> Result<bool, SocketError> {
    let stopped = || -> io::Result<bool> {
        let Some(mut stream) = send(folder, &Request::Stop, STOP_TIMEOUT)? else { return Ok(false) };
        match stream.read_to_end(&mut Vec::new()) {
            Ok(_) => Ok(true),
            Err(cause) if cause.kind() == io::ErrorKind::ConnectionReset => Ok(true),
            Err(cause) => Err(cause),
        }
    };
    stopped().map_err(|cause| SocketError::new(folder, cause))
}

fn ask<T: DeserializeOwned>(folder: &Path, request: &Request, timeout: Duration) -> io::Result<Option<T>> {
    let Some(stream) = send(folder, request, timeout)? else { return Ok(None) };
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    // An `up` that is just ending closes the connection without an answer.
    if line.is_empty() { Ok(None) } else { Ok(Some(serde_json::from_str(&line)?)) }
}

/// Connects and sends `request`. Returns `None` if nobody listens: there is no socket, or only that of a killed
/// process.
pub(super) fn send(folder: &Path, request: &Request, timeout: Duration) -> io::Result<Option<UnixStream>> {
    let connected = SocketAddress::within(folder).and_then(|address| UnixStream::connect(address.path()));
    let mut stream = match connected {
        Ok(stream) => stream,
        Err(cause) => {
            return match cause.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
                _ => Err(cause),
            };
        }
    };
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    Ok(Some(stream))
}
