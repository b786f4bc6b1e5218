//! A connection of the stack and a socket of this host, each one's bytes going to the other.

use std::io;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::oneshot;

use super::dial::Ended;
use super::stream::Stream;
use crate::tunnel::userspace::{Condition, ConnectionId, Netstack, Received};

/// The two and how far they are.
pub(super) struct Pipe {
    stream: Stream,
    ended: Option<oneshot::Sender<Ended>>,
    /// The peer has said everything, and the socket was told so.
    peer_ended: bool,
    /// The socket has said everything, and the peer was told so.
    socket_ended: bool,
    moved: bool,
}

/// One of the two is gone.
struct Gone;

impl Pipe {
    pub(super) fn new(stream: Stream, ended: Option<oneshot::Sender<Ended>>) -> Self {
        Self { stream, ended, peer_ended: false, socket_ended: false, moved: false }
    }

    /// Moves what can be moved; how it ended, if it has.
    pub(super) fn poll(
        &mut self,
        id: ConnectionId,
        stack: &mut Netstack,
        now: Instant,
        context: &mut Context<'_>,
    ) -> Poll<Ended> {
        let unwanted = self.ended.as_mut().is_some_and(|ended| ended.poll_closed(context).is_ready());
        let moved = if unwanted { Err(Gone) } else { self.deliver(id, stack, context) };
        if moved.and_then(|()| self.collect(id, stack, context)).is_err() {
            return Poll::Ready(Ended::Lost);
        }
        match stack.condition(id, now) {
            Condition::Closed => Poll::Ready(Ended::Closed),
            Condition::Lost | Condition::Refused => Poll::Ready(Ended::Lost),
            Condition::Opening | Condition::Open => Poll::Pending,
        }
    }

    /// Whether anything moved since the last call.
    pub(super) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Lets the socket and whoever wanted the connection know.
    pub(super) fn end(self, ending: Ended) {
        if ending == Ended::Lost {
            self.stream.break_off();
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
    ) -> Result<(), Gone> {
        while stack.has_received(id) {
            match self.stream.poll_write_ready(context) {
                Poll::Pending => return Ok(()),
                Poll::Ready(ready) => ready.map_err(|_| Gone)?,
            }
            let mut result = Ok(0);
            stack.read(id, |bytes| {
                result = self.stream.try_write(bytes);
                *result.as_ref().unwrap_or(&0)
            });
            self.count(result)?;
        }
        if !self.peer_ended && stack.read(id, |_| 0) == Received::End {
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
    ) -> Result<(), Gone> {
        while !self.socket_ended && stack.has_room(id) {
            match self.stream.poll_read_ready(context) {
                Poll::Pending => return Ok(()),
                Poll::Ready(ready) => ready.map_err(|_| Gone)?,
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
            self.count(result)?;
        }
        Ok(())
    }

    fn count(&mut self, moved: io::Result<usize>) -> Result<(), Gone> {
        match moved {
            Ok(bytes) => self.moved |= bytes > 0,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return Err(Gone),
        }
        Ok(())
    }
}
