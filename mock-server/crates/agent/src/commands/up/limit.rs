//! `--timeout`: how long `ztna up` may take to be connected.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::error::AgentError;
use crate::local_socket::Phase;

#[derive(Debug, Clone, Copy)]
pub(super) struct ConnectLimit(Option<Deadline>);

#[derive(Debug, Clone, Copy)]
struct Deadline {
    limit: Duration,
    at: Instant,
}

impl ConnectLimit {
    pub(super) fn from_now(limit: Option<Duration>) -> Self {
        Self(limit.and_then(|limit| Some(Deadline { limit, at: Instant::now().checked_add(limit)? })))
    }

    /// Runs `work` within the limit; `obstacle` describes what was missing when the limit is exceeded.
    pub(super) async fn bound<T>(
        self,
        work: impl Future<Output = Result<T, AgentError>>,
        obstacle: impl FnOnce() -> String,
    ) -> Result<T, AgentError> {
        let Self(Some(Deadline { limit, at })) = self else { return work.await };
        timeout_at(at, work).await.unwrap_or_else(|_| {
            let limit = humantime::format_duration(limit);
            Err(AgentError::NotConnected { limit, obstacle: obstacle() })
        })
    }
}

/// Returns why a machine in `phase` is not connected.
pub(super) fn obstacle(phase: Phase, server: &str) -> String {
    match phase {
        Phase::Starting | Phase::Unreachable => {
            format!("no answer from the control plane at {server}. Check --server and the network")
        }
        Phase::Pending => "this machine awaits approval by an administrator".to_owned(),
        Phase::Quarantined => "an administrator quarantined this machine".to_owned(),
        Phase::Online => format!("received no network map from the control plane at {server}"),
    }
}
