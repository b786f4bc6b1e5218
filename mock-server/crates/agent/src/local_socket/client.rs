//! The asking side.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use thiserror::Error;

use super::address::SocketAddress;
use super::message::{PingAnswer, Request, RunningStatus};
use crate::tunnel::Pinged;

/// How long the running `ztna up` may take to say how it is.
pub(super) const STATUS_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it may take to stop: its last words to the control plane are bounded well below this.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// The running `ztna up` could not be spoken to.
#[derive(Debug, Error)]
#[error(
    "the running 'ztna up' of the state folder {folder} does not answer ({cause}). Stop its process, then try again"
)]
pub(crate) struct SocketError {
    folder: String,
    cause: io::Error,
}

/// How the `ztna up` that runs with `folder` is; nothing if none does.
pub(crate) fn ask_status(folder: &Path) -> Result<Option<RunningStatus>, SocketError> {
    ask(folder, &Request::Status, STATUS_TIMEOUT).map_err(|cause| failed(folder, cause))
}

/// Has the `ztna up` that runs with `folder` ping a machine: its answer or, in words, why there was none; nothing
/// if no `up` runs.
pub(crate) fn ping(
    folder: &Path,
    machine: &str,
    limit: Duration,
) -> Result<Option<Result<Pinged, String>>, SocketError> {
    let milliseconds = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    let request = Request::Ping { machine: machine.to_owned(), limit: milliseconds };
    let answer = ask(folder, &request, limit.saturating_add(STATUS_TIMEOUT));
    let answer = answer.map_err(|cause| failed(folder, cause))?;
    Ok(answer.map(|answer| match answer {
        PingAnswer::Pong(pinged) => Ok(pinged),
        PingAnswer::Failure(reason) => Err(reason),
    }))
}

/// Stops the `ztna up` that runs with `folder` and waits until it has; whether one ran.
pub(crate) fn stop(folder: &Path) -> Result<bool, SocketError> {
    let stopped = || -> io::Result<bool> {
        let Some(mut stream) = send(folder, &Request::Stop, STOP_TIMEOUT)? else { return Ok(false) };
        match stream.read_to_end(&mut Vec::new()) {
            Ok(_) => Ok(true),
            Err(cause) if cause.kind() == io::ErrorKind::ConnectionReset => Ok(true),
            Err(cause) => Err(cause),
        }
    };
    stopped().map_err(|cause| failed(folder, cause))
}

fn ask<T: DeserializeOwned>(folder: &Path, request: &Request, timeout: Duration) -> io::Result<Option<T>> {
    let Some(stream) = send(folder, request, timeout)? else { return Ok(None) };
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    // An `up` that ends at this moment closes without a word.
    if line.is_empty() { Ok(None) } else { Ok(Some(serde_json::from_str(&line)?)) }
}

/// The connection with `request` sent, or nothing if nobody listens: no socket, or the socket of a process
/// that was killed.
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

pub(super) fn failed(folder: &Path, cause: io::Error) -> SocketError {
    SocketError { folder: folder.display().to_string(), cause }
}
