//! Copies bytes between connections of the userspace stack and sockets of this host: services for peers (`--serve`) and
//! commands that connect to peers (`ztna nc`).
//!
//! All of it runs in the tunnel's task and copies bytes directly between the buffers of the kernel and of the stack. What
//! does not fit stays where it is, so that backpressure reaches each side.

mod dial;
mod pipe;
mod service;
mod stream;

use std::future::Future;
use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;

use super::userspace::{ConnectionId, ConnectionRequest, ConnectionStatus, Netstack};
pub(crate) use dial::{ConnectionEnd, DialError, DialResult, DialedConnection};
use pipe::Pipe;
pub(crate) use service::Service;
use stream::Stream;

/// How long a local service may take to accept a connection.
const SERVICE_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

type Connecting = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

/// The offered services and all forwarded connections.
pub(super) struct Forwarding {
    services: Vec<Service>,
    connections: Vec<(ConnectionId, Stage)>,
}

/// The stage of a connection.
enum Stage {
    /// A peer requested it, and the service is being connected to.
    Requested(Connecting),
    /// A peer is being connected to.
    Dialing(Dialing),
    /// The peer has accepted, and the command is about to attach a socket.
    Connected {
        socket: oneshot::Receiver<UnixStream>,
        ended: oneshot::Sender<ConnectionEnd>,
    },
    Open(Pipe),
}

/// A connection to a peer that was requested by a command.
struct Dialing {
    name: String,
    to: SocketAddrV4,
    reply: oneshot::Sender<DialResult>,
}

/// The result of one step of a connection.
enum Step {
    /// It waits in this stage.
    Pending(Stage),
    /// It has progressed and may do so again at once.
    Advanced(Stage),
    /// It has ended; the stack may have to send something.
    Finished,
}

impl Forwarding {
    /// Offers `services` on the stack.
    pub(super) fn new(services: Vec<Service>, stack: &mut Netstack) -> Self {
        services.iter().for_each(|service| stack.serve(service.port));
        Self { services, connections: Vec::new() }
    }

    /// Connects to a port of the machine with this name and answers `reply`.
    pub(super) fn dial(
        &mut self,
        stack: &mut Netstack,
        name: String,
        to: SocketAddrV4,
        reply: oneshot::Sender<DialResult>,
    ) {
        match stack.dial(to, Instant::now()) {
            Some(id) => self.connections.push((id, Stage::Dialing(Dialing { name, to, reply }))),
            None => drop(reply.send(Err(DialError::Busy))),
        }
    }

    /// Advances all connections. Ready if the stack has work to do as a result.
    pub(super) fn poll(&mut self, stack: &mut Netstack, context: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        let mut busy = false;
        while let Some(request) = stack.next_request() {
            match self.connect_service(request) {
                Some(connecting) => self.connections.push((request.connection, Stage::Requested(connecting))),
                None => stack.reset(request.connection),
            }
            busy = true;
        }
        let connections = std::mem::take(&mut self.connections);
        for (id, mut stage) in connections {
            loop {
                match stage.step(id, stack, now, context) {
                    Step::Pending(waiting) => {
                        self.connections.push((id, waiting));
                        break;
                    }
                    Step::Advanced(next) => {
                        stage = next;
                        busy = true;
                    }
                    Step::Finished => {
                        busy = true;
                        break;
                    }
                }
            }
        }
        if busy { Poll::Ready(()) } else { Poll::Pending }
    }

    fn connect_service(&self, request: ConnectionRequest) -> Option<Connecting> {
        let service = self.services.iter().find(|service| service.port == request.port)?;
        tracing::debug!(from = %request.from, to = %service.address, "a peer connects to a service");
        Some(Box::pin(connect_with_timeout(service.address)))
    }
}

async fn connect_with_timeout(service: SocketAddr) -> io::Result<TcpStream> {
    let connected = tokio::time::timeout(SERVICE_CONNECT_TIMEOUT, TcpStream::connect(service)).await;
    let stream = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    stream
        .inspect(|stream| drop(stream.set_nodelay(true)))
        .inspect_err(|error| tracing::warn!(%service, %error, "connecting to a local service failed"))
}

impl Stage {
    fn step(self, id: ConnectionId, stack: &mut Netstack, now: Instant, context: &mut Context<'_>) -> Step {
        match self {
            Self::Requested(connecting) => step_requested(connecting, id, stack, now, context),
            Self::Dialing(dialing) => dialing.step(id, stack, now, context),
            Self::Connected { mut socket, ended } => match Pin::new(&mut socket).poll(context) {
                Poll::Pending => Step::Pending(Self::Connected { socket, ended }),
                Poll::Ready(Ok(stream)) => Step::Advanced(Self::Open(Pipe::new(stream.into(), Some(ended)))),
                Poll::Ready(Err(_)) => abort(stack, id),
            },
            Self::Open(mut pipe) => match pipe.poll(id, stack, now, context) {
                Poll::Pending if pipe.take_moved() => Step::Advanced(Self::Open(pipe)),
                Poll::Pending => Step::Pending(Self::Open(pipe)),
                Poll::Ready(ending) => {
                    match ending {
                        ConnectionEnd::Closed => stack.release(id),
                        ConnectionEnd::Lost => stack.reset(id),
                    }
                    pipe.end(ending);
                    Step::Finished
                }
            },
        }
    }
}

fn step_requested(
    mut connecting: Connecting,
    id: ConnectionId,
    stack: &mut Netstack,
    now: Instant,
    context: &mut Context<'_>,
) -> Step {
    if stack.connection_status(id, now) != ConnectionStatus::Opening {
        return abort(stack, id);
    }
    match connecting.as_mut().poll(context) {
        Poll::Pending => Step::Pending(Stage::Requested(connecting)),
        Poll::Ready(Ok(service)) => {
            stack.accept(id);
            Step::Advanced(Stage::Open(Pipe::new(Stream::from(service), None)))
        }
        Poll::Ready(Err(_)) => abort(stack, id),
    }
}

impl Dialing {
    fn step(
        mut self,
        id: ConnectionId,
        stack: &mut Netstack,
        now: Instant,
        context: &mut Context<'_>,
    ) -> Step {
        match stack.connection_status(id, now) {
            ConnectionStatus::Opening if self.reply.poll_closed(context).is_pending() => {
                Step::Pending(Stage::Dialing(self))
            }
            ConnectionStatus::Refused => {
                let (ip, port) = (*self.to.ip(), self.to.port());
                let _ = self.reply.send(Err(DialError::Refused { name: self.name, ip, port }));
                abort(stack, id)
            }
            ConnectionStatus::Opening | ConnectionStatus::Lost => abort(stack, id),
            ConnectionStatus::Open | ConnectionStatus::Closed => {
                let (attach, socket) = oneshot::channel();
                let (ended, end) = oneshot::channel();
                match self.reply.send(Ok(DialedConnection::Userspace { attach, end })) {
                    Ok(()) => Step::Advanced(Stage::Connected { socket, ended }),
                    Err(_) => abort(stack, id),
                }
            }
        }
    }
}

fn abort(stack: &mut Netstack, id: ConnectionId) -> Step {
    stack.reset(id);
    Step::Finished
}
