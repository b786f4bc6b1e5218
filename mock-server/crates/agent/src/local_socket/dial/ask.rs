//! The client side of a dial request.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, Shutdown};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::super::client::{ANSWER_TIMEOUT, send};
use super::super::error::{SocketError, TunnelRequestError};
use super::super::message::Request;
use super::message::{Attached, DialAnswer};
use crate::tunnel::ConnectionEnd;

/// Upper bound of an answer's length.
const MAX_ANSWER_LEN: u64 = 4096;

/// How the dialled port of a machine is reached.
#[derive(Debug)]
pub(crate) enum DialRoute {
    /// The command connects by itself through the kernel, to this address.
    Kernel(Ipv4Addr),
    /// Through the running `ztna up`.
    Userspace(Connection),
}

/// A connection opened by the running `ztna up`.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Carries the bytes of the connection.
    pub(crate) bytes: UnixStream,
    control: BufReader<UnixStream>,
}

/// Asks the `ztna up` that runs with `folder` to connect to a TCP port of a machine.
pub(crate) fn dial(
    folder: &Path,
    machine: &str,
    port: u16,
    limit: Duration,
) -> Result<DialRoute, TunnelRequestError> {
    let milliseconds = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    let request = Request::Dial { machine: machine.to_owned(), port, limit: milliseconds };
    let failed = |cause| SocketError::new(folder, cause);
    let control = send(folder, &request, limit.saturating_add(ANSWER_TIMEOUT)).map_err(failed)?;
    let mut control = BufReader::new(control.ok_or(TunnelRequestError::NotRunning)?);
    match read_line(&mut control).map_err(failed)? {
        DialAnswer::Kernel(ip) => Ok(DialRoute::Kernel(ip)),
        DialAnswer::Failure(reason) => Err(TunnelRequestError::Failed(reason)),
        DialAnswer::Connected { ticket } => {
            let bytes = attach(folder, &control, ticket).map_err(failed)?;
            let bytes = bytes.ok_or(TunnelRequestError::NotRunning)?;
            Ok(DialRoute::Userspace(Connection { bytes, control }))
        }
    }
}

/// Opens the second connection, which carries the bytes; `None` if `ztna up` has just ended.
fn attach(folder: &Path, control: &BufReader<UnixStream>, ticket: u64) -> io::Result<Option<UnixStream>> {
    let Some(bytes) = send(folder, &Request::Attach { ticket }, ANSWER_TIMEOUT)? else { return Ok(None) };
    // Reads not a byte beyond the line: what follows comes from the peer.
    let _: Attached = read_line(&mut BufReader::with_capacity(1, &bytes))?;
    for stream in [&bytes, control.get_ref()] {
        stream.set_read_timeout(None)?;
        stream.set_write_timeout(None)?;
    }
    Ok(Some(bytes))
}

impl Connection {
    /// Waits for the connection's end. It counts as lost if `ztna up` itself has ended.
    pub(crate) fn end(mut self) -> ConnectionEnd {
        let _ = self.bytes.shutdown(Shutdown::Read);
        read_line(&mut self.control).unwrap_or(ConnectionEnd::Lost)
    }
}

fn read_line<T: DeserializeOwned>(stream: &mut impl io::BufRead) -> io::Result<T> {
    let mut text = String::new();
    stream.take(MAX_ANSWER_LEN).read_line(&mut text)?;
    if text.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_str(&text)?)
}
