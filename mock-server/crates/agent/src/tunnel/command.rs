//! What the tunnel is told and asked, by whoever holds a handle on it.

use tokio::sync::oneshot;

use super::forwarding::Outcome;
use super::status::{PeerStatus, PingFailure, Pinged};
use crate::control_client::NetworkMapAnswer;

/// What the rest of the agent wants of the tunnel.
#[derive(Debug)]
pub(super) enum Command {
    /// The control plane told what changed in the network map.
    Apply(NetworkMapAnswer),
    /// This machine may speak to nobody any more.
    Clear,
    /// How are the peers?
    Peers(oneshot::Sender<Vec<PeerStatus>>),
    /// Is this one there?
    Ping {
        /// Its name or tailnet address.
        named: String,
        /// Where the answer goes; whoever waits no longer has dropped the other end.
        reply: oneshot::Sender<Result<Pinged, PingFailure>>,
    },
    /// Connect me to this machine.
    Dial {
        /// Its name or tailnet address.
        named: String,
        /// The TCP port.
        port: u16,
        /// Where the answer goes, as with a ping.
        reply: oneshot::Sender<Outcome>,
    },
}
