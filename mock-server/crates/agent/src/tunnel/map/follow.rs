//! The long poll for changes of the network map.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::control_client::{Backoff, ControlClient};
use crate::secret::Secret;
use crate::tunnel::command::Command;

/// How long the control plane may hold a request.
const LONG_POLL: Duration = Duration::from_secs(25);

/// Upper bound of the retry delay: changes must reach the tunnel soon after an outage.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(5);

/// An answer within this time was not waited for.
const AT_ONCE: Duration = Duration::from_millis(50);

/// Number of consecutive answers at once after which requests are paced: the map changes all the time, or the control
/// plane misbehaves.
const MAX_BURST: u32 = 20;

/// Delay between paced requests.
const PACE: Duration = Duration::from_millis(250);

/// Delay before a refused or premature request is repeated; a refusal may end with an administrator's approval.
const REPEAT_DELAY: Duration = Duration::from_millis(500);

/// Requests changes in a loop and forwards them to the tunnel. While the control plane is unreachable, the map and all
/// sessions stay as they are; if it refuses, the map is cleared.
pub(in crate::tunnel) async fn follow(
    control: Arc<ControlClient>,
    token: Secret,
    commands: mpsc::Sender<Command>,
) {
    let (mut version, mut burst) = (0, 0_u32);
    let mut backoff = Backoff::up_to(MAX_RETRY_DELAY);
    loop {
        let asked = Instant::now();
        let (command, pause) = match control.network_map(&token, version, LONG_POLL).await {
            Ok(answer) => {
                // A control plane that answers without changes does not hold requests and must not be flooded.
                burst = if asked.elapsed() < AT_ONCE { burst.saturating_add(1) } else { 0 };
                let pause = match burst {
                    _ if answer.version == version || answer.version == 0 => REPEAT_DELAY,
                    ..=MAX_BURST => Duration::ZERO,
                    _ => PACE,
                };
                // Changes since a version that the control plane has not reached belong to another history.
                version = if answer.version < version && !answer.full { 0 } else { answer.version };
                backoff = Backoff::up_to(MAX_RETRY_DELAY);
                (Some(Command::Apply(answer)), pause)
            }
            // Quarantined, awaiting approval or removed. What a gateway says does not count.
            Err(error) if error.excludes_machine() => {
                version = 0;
                (Some(Command::Clear), REPEAT_DELAY)
            }
            Err(error) => {
                tracing::info!(%error, "requesting the network map failed");
                (None, backoff.next_delay(rand::random()))
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
