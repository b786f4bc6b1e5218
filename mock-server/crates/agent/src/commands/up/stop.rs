//! StopRequests requests to a running `ztna up`: signals and the local socket.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::AgentError;
use crate::local_socket::{LocalSocket, StopRequest};

/// The sources of stop requests. A command that requested through the socket is answered when this is dropped.
pub(super) struct StopRequests {
    interrupt: Signal,
    terminate: Signal,
    socket: LocalSocket,
    waiting: Option<StopRequest>,
}

impl StopRequests {
    /// Installs the signal handlers, so that a signal no longer kills the process.
    pub(super) fn new(socket: LocalSocket) -> Result<Self, AgentError> {
        let listen = |kind| signal(kind).map_err(AgentError::system("listen for signals"));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            socket,
            waiting: None,
        })
    }

    /// Waits for a stop request. Stopping on request is a success.
    pub(super) async fn requested(&mut self) -> Result<(), AgentError> {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            request = self.socket.stop_request() => self.waiting = Some(request),
        }
        Ok(())
    }
}
