//! How long the kit waits for a containerised control plane.

use std::time::Duration;

pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Longer than embedded, since a container's process may wait for a core.
pub(super) const SILENCE: Duration = Duration::from_millis(500);
