//! The long poll that keeps the map as it is at the control plane.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::control_client::{Backoff, ControlClient};
use crate::secret::Secret;
use crate::tunnel::command::Command;

/// How long the control plane may hold a request.
const WAIT: Duration = Duration::from_secs(25);

/// The longest wait before an absent control plane is asked again: short, for what changed meanwhile has to
/// reach the tunnel soon after.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// When a control plane that refused is asked again: an administrator's yes is waited for.
const AGAIN: Duration = Duration::from_millis(500);

/// Asks for changes for ever, and hands each answer on. While the control plane does not answer, the map stays as it
/// is and no session is disturbed; if it refuses, this machine may speak to nobody any more.
pub(in crate::tunnel) async fn follow(
    control: Arc<ControlClient>,
    token: Secret,
    commands: mpsc::Sender<Command>,
) {
    let mut version = 0;
    let mut backoff = Backoff::up_to(LONGEST_WAIT);
    loop {
        let (command, pause) = match control.network_map(&token, version, WAIT).await {
            Ok(answer) => {
                // Whoever tells nothing new should have held the request: one that did not must not be stormed.
                let pause =
                    if answer.version == version || answer.version == 0 { AGAIN } else { Duration::ZERO };
                version = answer.version;
                backoff = Backoff::up_to(LONGEST_WAIT);
                (Some(Command::Apply(answer)), pause)
            }
            // Quarantined, awaiting approval or removed.
            Err(error) if error.is_unauthorized() || error.is_forbidden() => {
                version = 0;
                (Some(Command::Clear), AGAIN)
            }
            Err(error) => {
                tracing::info!(%error, "no network map");
                (None, backoff.next(rand::random()))
            }
        };
        if let Some(command) = command
            && commands.send(command).await.is_err()
        {
            return;
        }
        tokio::time::sleep(pause).await;
    }
}
