//! The client side of a dial request.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, Shutdown};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::super::client::{ANSWER_TIMEOUT, SocketError, failed, send};
use super::super::message::Request;
use super::message::{Attached, DialAnswer};
use crate::tunnel::Ended;

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

/// Asks the `ztna up` that runs with `folder` to connect to a TCP port of a machine. Returns the route or the reason for
/// the failure, or `None` if no `up` runs.
pub(crate) fn dial(
    folder: &Path,
    machine: &str,
    port: u16,
    limit: Duration,
) -> Result<Option<Result<DialRoute, String>>, SocketError> {
    connect(folder, machine, port, limit).map_err(|cause| failed(folder, cause))
}

fn connect(
    folder: &Path,
    machine: &str,
    port: u16,
    limit: Duration,
) -> io::Result<Option<Result<DialRoute, String>>> {
    let milliseconds = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    let request = Request::Dial { machine: machine.to_owned(), port, limit: milliseconds };
    let Some(control) = send(folder, &request, limit.saturating_add(ANSWER_TIMEOUT))? else {
        return Ok(None);
    };
    let mut control = BufReader::new(control);
    let ticket = match read_line(&mut control)? {
        DialAnswer::Kernel(ip) => return Ok(Some(Ok(DialRoute::Kernel(ip)))),
        DialAnswer::Failure(reason) => return Ok(Some(Err(reason))),
        DialAnswer::Connected { ticket } => ticket,
    };
    let Some(bytes) = send(folder, &Request::Attach { ticket }, ANSWER_TIMEOUT)? else { return Ok(None) };
    // Reads not a byte beyond the line: what follows comes from the peer.
    let _: Attached = read_line(&mut BufReader::with_capacity(1, &bytes))?;
    for stream in [&bytes, control.get_ref()] {
        stream.set_read_timeout(None)?;
        stream.set_write_timeout(None)?;
    }
    Ok(Some(Ok(DialRoute::Userspace(Connection { bytes, control }))))
}

impl Connection {
    /// Waits for the connection's end. It counts as lost if `ztna up` itself has ended.
    pub(crate) fn end(mut self) -> Ended {
        let _ = self.bytes.shutdown(Shutdown::Read);
        read_line(&mut self.control).unwrap_or(Ended::Lost)
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
