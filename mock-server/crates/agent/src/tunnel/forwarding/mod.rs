//! Moves bytes between the userspace stack's connections and sockets of this host: services that peers reach
//! (`--serve`), and commands that reach peers (`ztna nc`).
//!
//! Everything happens inside the tunnel's task: bytes go from one buffer of the kernel's to one of the stack's. What
//! does not fit stays where it is, so that each side feels how fast the other one is.

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

use super::userspace::{Asked, Condition, ConnectionId, Netstack};
pub(crate) use dial::{DialFailure, Dialed, Ended, Outcome};
use pipe::Pipe;
pub(crate) use service::Service;
use stream::Stream;

/// How long a service of this host may take to answer.
const SERVICE_TIMEOUT: Duration = Duration::from_secs(10);

type Connecting = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

/// Services, and what is being forwarded.
pub(super) struct Forwarding {
    services: Vec<Service>,
    connections: Vec<(ConnectionId, Stage)>,
}

/// How far a connection has come.
enum Stage {
    /// A peer asked, and the service is being connected to.
    Asked(Connecting),
    /// A peer was asked.
    Dialing { name: String, to: SocketAddrV4, reply: oneshot::Sender<Outcome> },
    /// It answered; whoever wanted it brings a socket.
    Dialed { socket: oneshot::Receiver<UnixStream>, ended: oneshot::Sender<Ended> },
    /// Bytes flow.
    Open(Pipe),
}

/// What is left of a connection after a step.
enum Step {
    /// It waits in this stage.
    Waits(Stage),
    /// It went on, and may go further.
    Went(Stage),
    /// It is no more; the stack may have to say so.
    Over,
}

impl Forwarding {
    /// Offers `services` on the stack.
    pub(super) fn new(services: Vec<Service>, stack: &mut Netstack) -> Self {
        services.iter().for_each(|service| stack.serve(service.port));
        Self { services, connections: Vec::new() }
    }

    /// Connects to a port of the machine with this name; `reply` is answered unless its other end is gone before.
    pub(super) fn dial(
        &mut self,
        stack: &mut Netstack,
        name: String,
        to: SocketAddrV4,
        reply: oneshot::Sender<Outcome>,
    ) {
        match stack.dial(to, Instant::now()) {
            Some(id) => self.connections.push((id, Stage::Dialing { name, to, reply })),
            None => drop(reply.send(Err(DialFailure::Busy))),
        }
    }

    /// Moves what can be moved. Ready if the stack has something to do for it.
    pub(super) fn poll(&mut self, stack: &mut Netstack, context: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        let mut busy = false;
        while let Some(asked) = stack.asked() {
            match self.connect(asked) {
                Some(connecting) => self.connections.push((asked.connection, Stage::Asked(connecting))),
                None => stack.reset(asked.connection),
            }
            busy = true;
        }
        let connections = std::mem::take(&mut self.connections);
        for (id, mut stage) in connections {
            loop {
                match stage.step(id, stack, now, context) {
                    Step::Waits(waiting) => {
                        self.connections.push((id, waiting));
                        break;
                    }
                    Step::Went(next) => {
                        stage = next;
                        busy = true;
                    }
                    Step::Over => {
                        busy = true;
                        break;
                    }
                }
            }
        }
        if busy { Poll::Ready(()) } else { Poll::Pending }
    }

    fn connect(&self, asked: Asked) -> Option<Connecting> {
        let service = self.services.iter().find(|service| service.port == asked.port)?;
        tracing::debug!(from = %asked.from, to = %service.address, "a service is asked for");
        Some(Box::pin(reach(service.address)))
    }
}

async fn reach(service: SocketAddr) -> io::Result<TcpStream> {
    let connected = tokio::time::timeout(SERVICE_TIMEOUT, TcpStream::connect(service)).await;
    let stream = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    stream
        .inspect(|stream| drop(stream.set_nodelay(true)))
        .inspect_err(|error| tracing::warn!(%service, %error, "a service of this host does not answer"))
}

impl Stage {
    fn step(self, id: ConnectionId, stack: &mut Netstack, now: Instant, context: &mut Context<'_>) -> Step {
        match self {
            Self::Asked(connecting) => asked(connecting, id, stack, now, context),
            Self::Dialing { name, to, reply } => dialing(name, to, reply, id, stack, now, context),
            Self::Dialed { mut socket, ended } => match Pin::new(&mut socket).poll(context) {
                Poll::Pending => Step::Waits(Self::Dialed { socket, ended }),
                Poll::Ready(Ok(stream)) => Step::Went(Self::Open(Pipe::new(stream.into(), Some(ended)))),
                Poll::Ready(Err(_)) => broken_off(stack, id),
            },
            Self::Open(mut pipe) => match pipe.poll(id, stack, now, context) {
                Poll::Pending if pipe.take_moved() => Step::Went(Self::Open(pipe)),
                Poll::Pending => Step::Waits(Self::Open(pipe)),
                Poll::Ready(ending) => {
                    match ending {
                        Ended::Closed => stack.forget(id),
                        Ended::Lost => stack.reset(id),
                    }
                    pipe.end(ending);
                    Step::Over
                }
            },
        }
    }
}

fn asked(
    mut connecting: Connecting,
    id: ConnectionId,
    stack: &mut Netstack,
    now: Instant,
    context: &mut Context<'_>,
) -> Step {
    if stack.condition(id, now) != Condition::Opening {
        return broken_off(stack, id);
    }
    match connecting.as_mut().poll(context) {
        Poll::Pending => Step::Waits(Stage::Asked(connecting)),
        Poll::Ready(Ok(service)) => {
            stack.accept(id);
            Step::Went(Stage::Open(Pipe::new(Stream::from(service), None)))
        }
        Poll::Ready(Err(_)) => broken_off(stack, id),
    }
}

fn dialing(
    name: String,
    to: SocketAddrV4,
    mut reply: oneshot::Sender<Outcome>,
    id: ConnectionId,
    stack: &mut Netstack,
    now: Instant,
    context: &mut Context<'_>,
) -> Step {
    match stack.condition(id, now) {
        Condition::Opening if reply.poll_closed(context).is_pending() => {
            Step::Waits(Stage::Dialing { name, to, reply })
        }
        Condition::Refused => {
            let (ip, port) = (*to.ip(), to.port());
            let _ = reply.send(Err(DialFailure::Refused { name, ip, port }));
            broken_off(stack, id)
        }
        Condition::Opening | Condition::Lost => broken_off(stack, id),
        Condition::Open | Condition::Closed => {
            let (attach, socket) = oneshot::channel();
            let (ended, end) = oneshot::channel();
            match reply.send(Ok(Dialed::Userspace { attach, end })) {
                Ok(()) => Step::Went(Stage::Dialed { socket, ended }),
                Err(_) => broken_off(stack, id),
            }
        }
    }
}

fn broken_off(stack: &mut Netstack, id: ConnectionId) -> Step {
    stack.reset(id);
    Step::Over
}
