//! The asking side.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use thiserror::Error;

use super::address::SocketAddress;
use super::message::{Request, RunningStatus};

/// How long the running `ztna up` may take to say how it is.
const STATUS_TIMEOUT: Duration = Duration::from_secs(5);

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
    let asked = || -> io::Result<Option<RunningStatus>> {
        let Some(stream) = send(folder, &Request::Status, STATUS_TIMEOUT)? else { return Ok(None) };
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        // An `up` that ends at this moment closes without a word.
        if line.is_empty() { Ok(None) } else { Ok(Some(serde_json::from_str(&line)?)) }
    };
    asked().map_err(|cause| failed(folder, cause))
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

/// The connection with `request` sent, or nothing if nobody listens: no socket, or the socket of a process
/// that was killed.
fn send(folder: &Path, request: &Request, timeout: Duration) -> io::Result<Option<UnixStream>> {
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

fn failed(folder: &Path, cause: io::Error) -> SocketError {
    SocketError { folder: folder.display().to_string(), cause }
}
