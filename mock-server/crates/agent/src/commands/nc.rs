use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::thread::JoinHandle;

use crate::cli::NcArguments;
use crate::context::Context;
use crate::error::AgentError;
use crate::local_socket::{self, DialRoute};
use crate::tunnel::{ConnectionEnd, DialError};

/// Size of the copy buffer in bytes.
const COPY_BUFFER_LEN: usize = 1 << 16;

/// Connects standard input and output to a port of another machine until both directions are closed.
pub(super) fn run(context: &Context, arguments: &NcArguments) -> Result<(), AgentError> {
    let NcArguments { machine, port, timeout } = arguments;
    context.folder.check()?;
    match local_socket::dial(context.folder.path(), machine, *port, *timeout)? {
        DialRoute::Userspace(connection) => {
            let bytes = connection.bytes.try_clone().map_err(AgentError::system("use the local socket"))?;
            let _input = send(bytes.try_clone(), |stream| stream.shutdown(Shutdown::Write));
            receive(bytes)?.map_err(|_| lost(machine))?;
            match connection.end() {
                ConnectionEnd::Closed => Ok(()),
                ConnectionEnd::Lost => Err(lost(machine)),
            }
        }
        DialRoute::Kernel(ip) => {
            let stream = TcpStream::connect_timeout(&SocketAddr::from((ip, *port)), *timeout)
                .map_err(|cause| connect_error(cause, arguments, ip))?;
            let input = send(stream.try_clone(), |stream| stream.shutdown(Shutdown::Write));
            receive(stream)?.map_err(|_| lost(machine))?;
            input.join().ok().and_then(Result::ok).ok_or_else(|| lost(machine))
        }
    }
}

/// Copies standard input to `stream` on a thread of its own, then shuts down the write side.
fn send<S: Write + Send + 'static>(
    stream: io::Result<S>,
    shut_down: impl FnOnce(&S) -> io::Result<()> + Send + 'static,
) -> JoinHandle<io::Result<()>> {
    std::thread::spawn(move || {
        let mut stream = stream?;
        copy(&mut io::stdin().lock(), |bytes| stream.write_all(bytes))?;
        shut_down(&stream)
    })
}

/// Copies `stream` to standard output. The inner result tells whether the stream ended cleanly.
fn receive(mut stream: impl Read) -> Result<io::Result<()>, AgentError> {
    let mut output = io::stdout().lock();
    let mut printed = Ok(());
    let received = copy(&mut stream, |bytes| {
        printed = output.write_all(bytes).and_then(|()| output.flush());
        if printed.is_ok() { Ok(()) } else { Err(ErrorKind::BrokenPipe.into()) }
    });
    printed.map_err(AgentError::system("write to standard output"))?;
    Ok(received)
}

fn copy(from: &mut impl Read, mut to: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut chunk = vec![0; COPY_BUFFER_LEN];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(length) => to(chunk.get(..length).unwrap_or_default())?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn lost(machine: &str) -> AgentError {
    AgentError::ConnectionLost { machine: machine.to_owned() }
}

fn connect_error(cause: io::Error, arguments: &NcArguments, ip: Ipv4Addr) -> AgentError {
    let (machine, port, limit) = (arguments.machine.clone(), arguments.port, arguments.timeout);
    match cause.kind() {
        ErrorKind::ConnectionRefused => DialError::Refused { name: machine, ip, port }.into(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            DialError::Timeout { named: machine, port, limit }.into()
        }
        _ => AgentError::Connect { machine, port, cause },
    }
}
