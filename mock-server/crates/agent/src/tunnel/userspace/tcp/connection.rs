use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp::{CongestionControl, RecvError, Socket, SocketBuffer, State};

/// Size of the buffer in each direction. The memory is used only when filled.
pub(super) const WINDOW: usize = 256 * 1024;

/// A silent peer counts as vanished after this time. Keep-alives are sent before, but not while data is unacknowledged:
/// then smoltcp retransmits at intervals that double up to 60 s and are not shortened until new data is acknowledged. Two
/// of these must fit in, lest the loss of one packet ends a connection.
pub(super) const PEER_TIMEOUT: Duration = Duration::from_secs(150);
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// How long an ended connection answers retransmissions (TIME-WAIT of RFC 9293, shortened): the first three, at least,
/// which come after 1, 2 and 4 seconds. Less than smoltcp's own 10 s, after which it would answer with a reset.
pub(super) const LINGER: Duration = Duration::from_secs(8);

/// The result of reading from a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadOutcome {
    /// Number of bytes taken, 0 if there were none.
    Bytes(usize),
    /// The peer has sent everything.
    End,
    /// The connection was lost, and data may be missing.
    Lost,
}

/// The status of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionStatus {
    /// The peer has not answered yet.
    Opening,
    /// The peer refused the connection.
    Refused,
    /// At least one direction is open or not fully acknowledged.
    Open,
    /// Both sides have sent and received everything.
    Closed,
    /// The peer reset the connection or has vanished.
    Lost,
}

/// A connection with its socket.
pub(super) struct Connection {
    location: SocketLocation,
    pub(super) remote: SocketAddrV4,
    pub(super) port: u16,
    /// The owner no longer uses it.
    pub(super) released: bool,
    created: Instant,
    established: bool,
    read_to_end: bool,
    finished: bool,
    time_wait_since: Option<Instant>,
}

/// Where the socket of a connection is held.
enum SocketLocation {
    Stack(SocketHandle),
    /// Outside the stack: it must not answer yet, or its TIME-WAIT is over while there is still unread data.
    Detached(Box<Socket<'static>>),
}

/// Creates a socket with the options of all connections.
pub(super) fn socket() -> Socket<'static> {
    let buffer = || SocketBuffer::new(vec![0; WINDOW]);
    let mut socket = Socket::new(buffer(), buffer());
    socket.set_congestion_control(CongestionControl::Reno);
    socket.set_timeout(Some(duration(PEER_TIMEOUT)));
    socket.set_keep_alive(Some(duration(KEEP_ALIVE)));
    // Writers pass on everything that they have, so waiting for more would only add delay.
    socket.set_nagle_enabled(false);
    socket
}

fn duration(time: Duration) -> smoltcp::time::Duration {
    smoltcp::time::Duration::from_micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

impl Connection {
    /// Creates a connection whose socket is outside the stack until it is [attached](Connection::attach).
    pub(super) fn new(socket: Socket<'static>, remote: SocketAddrV4, port: u16, now: Instant) -> Self {
        Self {
            location: SocketLocation::Detached(Box::new(socket)),
            remote,
            port,
            released: false,
            created: now,
            established: false,
            read_to_end: false,
            finished: false,
            time_wait_since: None,
        }
    }

    pub(super) fn socket<'a>(&'a mut self, sockets: &'a mut SocketSet<'static>) -> &'a mut Socket<'static> {
        match &mut self.location {
            SocketLocation::Stack(handle) => sockets.get_mut(*handle),
            SocketLocation::Detached(socket) => socket,
        }
    }

    /// Adds the socket to the stack.
    pub(super) fn attach(&mut self, sockets: &mut SocketSet<'static>) {
        self.location =
            match std::mem::replace(&mut self.location, SocketLocation::Stack(SocketHandle::default())) {
                SocketLocation::Detached(socket) => SocketLocation::Stack(sockets.add(*socket)),
                stack @ SocketLocation::Stack(_) => stack,
            };
    }

    /// Returns whether the peer has requested the connection and was not answered yet.
    pub(super) fn awaits_decision(&self) -> bool {
        matches!(&self.location, SocketLocation::Detached(socket) if socket.state() == State::SynReceived)
    }

    /// Resets and releases the connection.
    pub(super) fn reset(&mut self, sockets: &mut SocketSet<'static>) {
        if self.awaits_decision() {
            self.attach(sockets);
        }
        self.socket(sockets).abort();
        self.released = true;
    }

    /// Passes received bytes to `take`, which returns how many it took.
    pub(super) fn read(
        &mut self,
        sockets: &mut SocketSet<'static>,
        take: impl FnOnce(&[u8]) -> usize,
    ) -> ReadOutcome {
        let socket = self.socket(sockets);
        if matches!(socket.state(), State::SynSent | State::SynReceived) {
            return ReadOutcome::Bytes(0);
        }
        let received = socket.recv(|bytes| {
            let taken = if bytes.is_empty() { 0 } else { take(bytes).min(bytes.len()) };
            (taken, taken)
        });
        match received {
            Ok(taken) => ReadOutcome::Bytes(taken),
            Err(RecvError::Finished) => {
                self.read_to_end = true;
                ReadOutcome::End
            }
            Err(RecvError::InvalidState) => ReadOutcome::Lost,
        }
    }

    /// Lets `fill` write into the free space, if there is any, and returns the number of bytes written.
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

    /// Sends the end after what was written.
    pub(super) fn finish(&mut self, sockets: &mut SocketSet<'static>) {
        self.finished = true;
        self.close_if_possible(sockets);
    }

    /// Returns the status at `now`.
    pub(super) fn status(&mut self, sockets: &mut SocketSet<'static>, now: Instant) -> ConnectionStatus {
        let (established, done) = (self.established, self.read_to_end && self.finished);
        let vanished = now.saturating_duration_since(self.created) >= PEER_TIMEOUT;
        let socket = self.socket(sockets);
        match socket.state() {
            State::SynSent | State::SynReceived => ConnectionStatus::Opening,
            State::Closed if !established && !vanished => ConnectionStatus::Refused,
            State::TimeWait | State::Closed if done && socket.send_queue() == 0 => ConnectionStatus::Closed,
            // Received data may still be unread.
            State::Closed if !socket.can_recv() && !done => match socket.recv(|_| (0, ())) {
                Err(RecvError::InvalidState) => ConnectionStatus::Lost,
                _ => ConnectionStatus::Open,
            },
            State::Closed if done => ConnectionStatus::Lost,
            // The peer withdrew its request before it was accepted.
            State::Listen => ConnectionStatus::Lost,
            _ => ConnectionStatus::Open,
        }
    }

    /// Closes the socket once everything is acknowledged, if the peer has closed its own: smoltcp would no longer hear that
    /// the peer's window has opened.
    fn close_if_possible(&mut self, sockets: &mut SocketSet<'static>) {
        let socket = self.socket(sockets);
        if socket.state() != State::CloseWait || socket.send_queue() == 0 {
            socket.close();
        }
    }

    /// Updates the state and returns whether the connection can be removed.
    pub(super) fn update(&mut self, sockets: &mut SocketSet<'static>, now: Instant) -> bool {
        if self.finished {
            self.close_if_possible(sockets);
        }
        let socket = self.socket(sockets);
        let state = socket.state();
        if state == State::Listen {
            // The request was withdrawn; the next one gets its own socket.
            socket.abort();
        }
        // The socket holds a reset until it is sent.
        let nothing_to_send = socket.remote_endpoint().is_none();
        self.established |=
            !matches!(state, State::Listen | State::SynSent | State::SynReceived | State::Closed);
        if state == State::TimeWait && self.is_time_wait_over(now) {
            self.detach(sockets);
        }
        self.released
            && match (&self.location, state) {
                (SocketLocation::Detached(_), _) | (_, State::Listen) => true,
                (_, State::Closed) => nothing_to_send,
                _ => false,
            }
    }

    /// Returns whether the connection has ended and only answers retransmissions.
    pub(super) fn has_ended(&self) -> bool {
        self.released && self.time_wait_since.is_some()
    }

    /// Returns when [`Connection::update`] must be called without an event.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.location {
            SocketLocation::Stack(_) => self.time_wait_since.map(|since| since + LINGER),
            SocketLocation::Detached(_) => None,
        }
    }

    /// Removes the socket from the stack.
    pub(super) fn detach(&mut self, sockets: &mut SocketSet<'static>) {
        if let SocketLocation::Stack(handle) = self.location
            && let smoltcp::socket::Socket::Tcp(socket) = sockets.remove(handle)
        {
            self.location = SocketLocation::Detached(Box::new(socket));
        }
    }

    fn is_time_wait_over(&mut self, now: Instant) -> bool {
        now >= *self.time_wait_since.get_or_insert(now) + LINGER
    }
}
