//! The commands that a tunnel's handle sends to its task.

use tokio::sync::oneshot;

use super::forwarding::DialResult;
use super::status::{PeerStatus, PingError, PingReply};
use crate::control_client::NetworkMapAnswer;

/// A command to the tunnel's task.
#[derive(Debug)]
pub(super) enum Command {
    /// Applies changes of the network map.
    Apply(NetworkMapAnswer),
    Clear,
    Peers(oneshot::Sender<Vec<PeerStatus>>),
    Ping {
        /// Name or tailnet address.
        named: String,
        /// Closed once the caller has stopped waiting.
        reply: oneshot::Sender<Result<PingReply, PingError>>,
    },
    Dial {
        /// Name or tailnet address.
        named: String,
        port: u16,
        /// Closed once the caller has stopped waiting.
        reply: oneshot::Sender<DialResult>,
    },
}
