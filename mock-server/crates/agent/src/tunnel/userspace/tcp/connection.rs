//! One TCP connection, and what may be done with it.

use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp::{CongestionControl, RecvError, Socket, SocketBuffer, State};

/// What a peer may send, or this machine, before it is read or acknowledged. The memory is used only when filled.
pub(super) const WINDOW: usize = 256 * 1024;

/// A peer that said nothing for so long has vanished; it is asked in between.
pub(super) const VANISHED: Duration = Duration::from_secs(60);
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// How long a connection that has ended answers a peer that did not hear of it (TIME-WAIT of RFC 9293, shortened).
const LINGER: Duration = Duration::from_secs(2);

/// What came of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// So many bytes were taken, none if there were none.
    Bytes(usize),
    /// The peer has said all it had to say.
    End,
    /// The connection is broken: there may have been more.
    Lost,
}

/// How a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Nobody has answered yet.
    Opening,
    /// The peer refuses it.
    Refused,
    /// In one direction at least there may be more, or not everything has been acknowledged.
    Open,
    /// Both sides have said and heard everything.
    Closed,
    /// Reset by the peer, or the peer has vanished.
    Lost,
}

/// A connection and its end of a socket.
pub(super) struct Connection {
    place: Place,
    /// The peer's address and port.
    pub(super) remote: SocketAddrV4,
    /// This machine's port.
    pub(super) port: u16,
    /// Nobody asks for it any more.
    pub(super) forgotten: bool,
    begun: Instant,
    established: bool,
    end_read: bool,
    finished: bool,
    waiting_since: Option<Instant>,
}

/// Where a connection's socket is.
enum Place {
    /// In the stack.
    Stack(SocketHandle),
    /// Outside: it must not answer yet, or has lingered for long enough while not all is read.
    Aside(Box<Socket<'static>>),
}

/// A socket as all connections have it.
pub(super) fn socket() -> Socket<'static> {
    let buffer = || SocketBuffer::new(vec![0; WINDOW]);
    let mut socket = Socket::new(buffer(), buffer());
    socket.set_congestion_control(CongestionControl::Reno);
    socket.set_timeout(Some(duration(VANISHED)));
    socket.set_keep_alive(Some(duration(KEEP_ALIVE)));
    // Whoever writes here has gathered already what it has.
    socket.set_nagle_enabled(false);
    socket
}

fn duration(time: Duration) -> smoltcp::time::Duration {
    smoltcp::time::Duration::from_micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

impl Connection {
    /// With a socket that takes part in the stack once it [joins](Connection::join).
    pub(super) fn new(socket: Socket<'static>, remote: SocketAddrV4, port: u16, now: Instant) -> Self {
        Self {
            place: Place::Aside(Box::new(socket)),
            remote,
            port,
            forgotten: false,
            begun: now,
            established: false,
            end_read: false,
            finished: false,
            waiting_since: None,
        }
    }

    pub(super) fn socket<'a>(&'a mut self, sockets: &'a mut SocketSet<'static>) -> &'a mut Socket<'static> {
        match &mut self.place {
            Place::Stack(handle) => sockets.get_mut(*handle),
            Place::Aside(socket) => socket,
        }
    }

    /// Takes part in the stack.
    pub(super) fn join(&mut self, sockets: &mut SocketSet<'static>) {
        self.place = match std::mem::replace(&mut self.place, Place::Stack(SocketHandle::default())) {
            Place::Aside(socket) => Place::Stack(sockets.add(*socket)),
            stack @ Place::Stack(_) => stack,
        };
    }

    /// Whether the peer asked and has no answer yet.
    pub(super) fn is_undecided(&self) -> bool {
        matches!(&self.place, Place::Aside(socket) if socket.state() == State::SynReceived)
    }

    /// Breaks it off and forgets it.
    pub(super) fn reset(&mut self, sockets: &mut SocketSet<'static>) {
        if self.is_undecided() {
            self.join(sockets);
        }
        self.socket(sockets).abort();
        self.forgotten = true;
    }

    /// Takes what has come, as much as `take` says it took of what it is shown.
    pub(super) fn read(
        &mut self,
        sockets: &mut SocketSet<'static>,
        take: impl FnOnce(&[u8]) -> usize,
    ) -> Received {
        let socket = self.socket(sockets);
        if matches!(socket.state(), State::SynSent | State::SynReceived) {
            return Received::Bytes(0);
        }
        let received = socket.recv(|bytes| {
            let taken = if bytes.is_empty() { 0 } else { take(bytes).min(bytes.len()) };
            (taken, taken)
        });
        match received {
            Ok(taken) => Received::Bytes(taken),
            Err(RecvError::Finished) => {
                self.end_read = true;
                Received::End
            }
            Err(RecvError::InvalidState) => Received::Lost,
        }
    }

    /// Lets `fill` write into the free space, if there is any; how much it wrote.
    pub(super) fn write(
        &mut self,
        sockets: &mut SocketSet<'static>,
        fill: impl FnOnce(&mut [u8]) -> usize,
    ) -> usize {
        let written = self.socket(sockets).send(|room| {
            let written = if room.is_empty() { 0 } else { fill(room).min(room.len()) };
            (written, written)
        });
        written.unwrap_or(0)
    }

    /// Nothing more will be written.
    pub(super) fn finish(&mut self, sockets: &mut SocketSet<'static>) {
        self.finished = true;
        self.socket(sockets).close();
    }

    /// How it is at `now`.
    pub(super) fn condition(&mut self, sockets: &mut SocketSet<'static>, now: Instant) -> Condition {
        let (established, done) = (self.established, self.end_read && self.finished);
        let vanished = now.saturating_duration_since(self.begun) >= VANISHED;
        let socket = self.socket(sockets);
        match socket.state() {
            State::SynSent | State::SynReceived => Condition::Opening,
            State::Closed if !established && !vanished => Condition::Refused,
            State::TimeWait | State::Closed if done && socket.send_queue() == 0 => Condition::Closed,
            // What has come may still be read.
            State::Closed if !socket.can_recv() && !done => match socket.recv(|_| (0, ())) {
                Err(RecvError::InvalidState) => Condition::Lost,
                _ => Condition::Open,
            },
            State::Closed if done => Condition::Lost,
            // Withdrawn by the peer before it was let in.
            State::Listen => Condition::Lost,
            _ => Condition::Open,
        }
    }

    /// Takes note of what happened; whether nothing is left of it that anybody needs.
    pub(super) fn settle(&mut self, sockets: &mut SocketSet<'static>, now: Instant) -> bool {
        let socket = self.socket(sockets);
        let state = socket.state();
        if state == State::Listen {
            // The request was withdrawn; the next one gets a socket of its own.
            socket.abort();
        }
        // A reset waits in it until it is sent.
        let silent = socket.remote_endpoint().is_none();
        self.established |=
            !matches!(state, State::Listen | State::SynSent | State::SynReceived | State::Closed);
        if state == State::TimeWait && self.has_lingered(now) {
            self.step_aside(sockets);
        }
        self.forgotten
            && match (&self.place, state) {
                (Place::Aside(_), _) | (_, State::Listen) => true,
                (_, State::Closed) => silent,
                _ => false,
            }
    }

    /// Whether the connection has ended and only answers repetitions.
    pub(super) fn is_over(&self) -> bool {
        self.forgotten && self.waiting_since.is_some()
    }

    /// When [`Connection::settle`] has something to do though nothing happened.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.place {
            Place::Stack(_) => self.waiting_since.map(|since| since + LINGER),
            Place::Aside(_) => None,
        }
    }

    /// Removes what is left of it from the stack.
    pub(super) fn step_aside(&mut self, sockets: &mut SocketSet<'static>) {
        if let Place::Stack(handle) = self.place
            && let smoltcp::socket::Socket::Tcp(socket) = sockets.remove(handle)
        {
            self.place = Place::Aside(Box::new(socket));
        }
    }

    fn has_lingered(&mut self, now: Instant) -> bool {
        now >= *self.waiting_since.get_or_insert(now) + LINGER
    }
}
