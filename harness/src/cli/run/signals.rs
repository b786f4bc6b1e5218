//! SIGINT and SIGTERM.

use harness_model::event::RunEnd;
use harness_runner::run::Stopper;

/// Asks the run to stop on every SIGINT or SIGTERM; a second one skips cleanup.
pub(in crate::cli) async fn stop_on_signals(stopper: Stopper) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => stopper.ask(RunEnd::Interrupted),
            _ = terminate.recv() => stopper.ask(RunEnd::Cancelled),
        }
    }
}
