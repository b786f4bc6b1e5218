//! The ways in which a running `ztna up` is told to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::AgentError;
use crate::local_socket::{LocalSocket, StopRequest};

/// Signals and the local socket. Whoever asked through the socket learns of the end when this is dropped.
pub(super) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    socket: LocalSocket,
    waiting: Option<StopRequest>,
}

impl Stop {
    /// From now on a signal no longer kills the process.
    pub(super) fn new(socket: LocalSocket) -> Result<Self, AgentError> {
        let listen = |kind| signal(kind).map_err(AgentError::system("listen for signals"));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            socket,
            waiting: None,
        })
    }

    /// Waits until somebody asks for the end, which is then a success.
    pub(super) async fn asked(&mut self) -> Result<(), AgentError> {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            request = self.socket.stop_request() => self.waiting = Some(request),
        }
        Ok(())
    }
}
