//! SIGINT and SIGTERM.

use harness_model::event::RunEnd;
use harness_runner::run::Stopper;
use tokio::signal::unix::{SignalKind, signal};

/// Listens for SIGINT and SIGTERM at once, and returns what asks the run to stop on each; a second one skips cleanup.
pub(super) fn stop_on_signals(stopper: Stopper) -> impl Future<Output = ()> {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = signals else { return };
        loop {
            tokio::select! {
                _ = interrupt.recv() => stopper.ask(RunEnd::Interrupted),
                _ = terminate.recv() => stopper.ask(RunEnd::Cancelled),
            }
        }
    }
}
