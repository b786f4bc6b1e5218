//! `--timeout`: how long `ztna up` may take to be connected.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::error::AgentError;
use crate::local_socket::Phase;

/// The limit, if there is one, and when it is reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit(Option<(Duration, Instant)>);

impl Limit {
    /// From now on so long.
    pub(super) fn from_now(limit: Option<Duration>) -> Self {
        Self(limit.and_then(|limit| Some((limit, Instant::now().checked_add(limit)?))))
    }

    /// Does `work`, unless the limit is reached before; then `obstacle` says what was waited for.
    pub(super) async fn bound<T>(
        self,
        work: impl Future<Output = Result<T, AgentError>>,
        obstacle: impl FnOnce() -> String,
    ) -> Result<T, AgentError> {
        let Self(Some((limit, end))) = self else { return work.await };
        timeout_at(end, work).await.unwrap_or_else(|_| {
            let limit = humantime::format_duration(limit);
            Err(AgentError::NotConnected { limit, obstacle: obstacle() })
        })
    }
}

/// What keeps a machine in `phase` from being connected.
pub(super) fn obstacle(phase: Phase, server: &str) -> String {
    match phase {
        Phase::Starting | Phase::Unreachable => {
            format!("no answer from the control plane at {server}. Check --server and the network")
        }
        Phase::Pending => "an administrator has yet to approve this machine".to_owned(),
        Phase::Quarantined => "an administrator quarantined this machine".to_owned(),
        Phase::Online => format!("no network map came from the control plane at {server}"),
    }
}
