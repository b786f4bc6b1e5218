//! Copies bytes in both directions between a connection of the stack and a local socket.

use std::io;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::oneshot;

use super::dial::ConnectionEnd;
use super::stream::Stream;
use crate::tunnel::userspace::{ConnectionId, ConnectionStatus, Netstack, ReadOutcome};

/// A local socket and the state of both directions.
pub(super) struct Pipe {
    stream: Stream,
    ended: Option<oneshot::Sender<ConnectionEnd>>,
    /// The peer has sent everything, and the socket was shut down for writing.
    peer_ended: bool,
    /// The socket has delivered everything, and the connection to the peer was finished.
    socket_ended: bool,
    moved: bool,
}

struct SocketFailed;

impl Pipe {
    pub(super) fn new(stream: Stream, ended: Option<oneshot::Sender<ConnectionEnd>>) -> Self {
        Self { stream, ended, peer_ended: false, socket_ended: false, moved: false }
    }

    /// Copies what can be copied. Ready with the outcome once the connection has ended.
    pub(super) fn poll(
        &mut self,
        id: ConnectionId,
        stack: &mut Netstack,
        now: Instant,
        context: &mut Context<'_>,
    ) -> Poll<ConnectionEnd> {
        let cancelled = self.ended.as_mut().is_some_and(|ended| ended.poll_closed(context).is_ready());
        let moved = if cancelled { Err(SocketFailed) } else { self.deliver(id, stack, context) };
        if moved.and_then(|()| self.collect(id, stack, context)).is_err() {
            return Poll::Ready(ConnectionEnd::Lost);
        }
        match stack.connection_status(id, now) {
            ConnectionStatus::Closed => Poll::Ready(ConnectionEnd::Closed),
            ConnectionStatus::Lost | ConnectionStatus::Refused => Poll::Ready(ConnectionEnd::Lost),
            ConnectionStatus::Opening | ConnectionStatus::Open => Poll::Pending,
        }
    }

    /// Returns whether any bytes were copied since the last call.
    pub(super) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Closes the socket and reports the outcome.
    pub(super) fn end(self, ending: ConnectionEnd) {
        if ending == ConnectionEnd::Lost {
            self.stream.abort();
        }
        if let Some(ended) = self.ended {
            let _ = ended.send(ending);
        }
    }

    fn deliver(
        &mut self,
        id: ConnectionId,
        stack: &mut Netstack,
        context: &mut Context<'_>,
    ) -> Result<(), SocketFailed> {
        while stack.has_received(id) {
            match self.stream.poll_write_ready(context) {
                Poll::Pending => return Ok(()),
                Poll::Ready(ready) => ready.map_err(|_| SocketFailed)?,
            }
            let mut result = Ok(0);
            stack.read(id, |bytes| {
                result = self.stream.try_write(bytes);
                *result.as_ref().unwrap_or(&0)
            });
            self.record(result)?;
        }
        if !self.peer_ended && stack.read(id, |_| 0) == ReadOutcome::End {
            self.stream.shut_down_writing(context);
            self.peer_ended = true;
        }
        Ok(())
    }

    fn collect(
        &mut self,
        id: ConnectionId,
        stack: &mut Netstack,
        context: &mut Context<'_>,
    ) -> Result<(), SocketFailed> {
        while !self.socket_ended && stack.has_room(id) {
            match self.stream.poll_read_ready(context) {
                Poll::Pending => return Ok(()),
                Poll::Ready(ready) => ready.map_err(|_| SocketFailed)?,
            }
            let mut result = Ok(0);
            stack.write(id, |room| {
                result = self.stream.try_read(room);
                *result.as_ref().unwrap_or(&0)
            });
            if matches!(result, Ok(0)) {
                stack.finish(id);
                self.socket_ended = true;
                self.moved = true;
            }
            self.record(result)?;
        }
        Ok(())
    }

    fn record(&mut self, moved: io::Result<usize>) -> Result<(), SocketFailed> {
        match moved {
            Ok(bytes) => self.moved |= bytes > 0,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return Err(SocketFailed),
        }
        Ok(())
    }
}
