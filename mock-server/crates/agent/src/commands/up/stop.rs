//! Stop requests to a running `ztna up`: signals and the local socket.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::AgentError;
use crate::local_socket::{LocalSocket, StopRequest};

/// The sources of stop requests.
pub(super) struct StopRequests {
    interrupt: Signal,
    terminate: Signal,
    /// `None` if the signal was ignored at the start, as by `nohup`.
    hang_up: Option<Signal>,
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
            hang_up: (!ignores_hang_up()).then(|| listen(SignalKind::hangup())).transpose()?,
            socket,
            waiting: None,
        })
    }

    /// Waits for a stop request. Stopping on request is a success.
    pub(super) async fn requested(&mut self) -> Result<(), AgentError> {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            Some(_) = received(&mut self.hang_up) => {}
            request = self.socket.stop_request() => self.waiting = Some(request),
        }
        Ok(())
    }

    /// Closes the socket. A command that requested through it waits on until this process has ended: whoever stops an
    /// agent may look for its process, or replace its program, right after.
    pub(super) fn leave(self) {
        drop(self.socket);
        if let Some(request) = self.waiting {
            request.answer_at_exit();
        }
    }
}

async fn received(signal: &mut Option<Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => None,
    }
}

/// Returns whether this process was started with SIGHUP ignored.
fn ignores_hang_up() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| is_ignored(&status))
}

/// Reads the lowest bit of the mask of ignored signals (proc_pid_status(5)).
fn is_ignored(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_hang_up_is_recognised() {
        for (status, ignored) in [
            ("Name:\tztna\nSigIgn:\t0000000000000001\nSigCgt:\t0\n", true),
            ("SigIgn:\t0000000000001001\n", true),
            ("SigIgn:\t0000000000001000\n", false),
            ("SigBlk:\t0000000000000001\n", false),
            ("", false),
        ] {
            assert_eq!(is_ignored(status), ignored, "{status:?}");
        }
    }
}
