//! The asking side.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, Shutdown};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::super::client::{STATUS_TIMEOUT, SocketError, failed, send};
use super::super::message::Request;
use super::message::{Attached, DialAnswer};
use crate::tunnel::Ended;

/// No answer is longer.
const LONGEST_ANSWER: u64 = 4096;

/// How a machine is connected to.
#[derive(Debug)]
pub(crate) enum Way {
    /// Through the kernel, at this address.
    Kernel(Ipv4Addr),
    /// Through the running `ztna up`.
    Userspace(Connection),
}

/// A connection that the running `ztna up` has made.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Its bytes.
    pub(crate) bytes: UnixStream,
    control: BufReader<UnixStream>,
}

/// Has the `ztna up` that runs with `folder` connect to a TCP port of a machine: the way to it or, in words, why there
/// is none; nothing if no `up` runs.
pub(crate) fn dial(
    folder: &Path,
    machine: &str,
    port: u16,
    limit: Duration,
) -> Result<Option<Result<Way, String>>, SocketError> {
    connect(folder, machine, port, limit).map_err(|cause| failed(folder, cause))
}

fn connect(
    folder: &Path,
    machine: &str,
    port: u16,
    limit: Duration,
) -> io::Result<Option<Result<Way, String>>> {
    let milliseconds = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    let request = Request::Dial { machine: machine.to_owned(), port, limit: milliseconds };
    let Some(control) = send(folder, &request, limit.saturating_add(STATUS_TIMEOUT))? else {
        return Ok(None);
    };
    let mut control = BufReader::new(control);
    let ticket = match line(&mut control)? {
        DialAnswer::Kernel(ip) => return Ok(Some(Ok(Way::Kernel(ip)))),
        DialAnswer::Failure(reason) => return Ok(Some(Err(reason))),
        DialAnswer::Connected { ticket } => ticket,
    };
    let Some(bytes) = send(folder, &Request::Attach { ticket }, STATUS_TIMEOUT)? else { return Ok(None) };
    // Not a byte more than the line: what follows is the peer's.
    let _: Attached = line(&mut BufReader::with_capacity(1, &bytes))?;
    for stream in [&bytes, control.get_ref()] {
        stream.set_read_timeout(None)?;
        stream.set_write_timeout(None)?;
    }
    Ok(Some(Ok(Way::Userspace(Connection { bytes, control }))))
}

impl Connection {
    /// Waits for its end. If `ztna up` itself has ended, it is lost.
    pub(crate) fn end(mut self) -> Ended {
        let _ = self.bytes.shutdown(Shutdown::Read);
        line(&mut self.control).unwrap_or(Ended::Lost)
    }
}

fn line<T: DeserializeOwned>(stream: &mut impl io::BufRead) -> io::Result<T> {
    let mut text = String::new();
    stream.take(LONGEST_ANSWER).read_line(&mut text)?;
    if text.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_str(&text)?)
}
