//! The direct path to a peer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// While the last answer is more recent than this, data takes the direct path only.
pub(super) const RECENT_ANSWER: Duration = Duration::from_secs(2);

/// What is known of the direct path to a peer.
#[derive(Debug, Default)]
pub(super) struct DirectPath {
    /// The endpoint where the peer was last heard or has answered.
    endpoint: Option<SocketAddr>,
    /// Whether something sent on this path was answered on it, and no probe has timed out since.
    open: bool,
    last_answer: Option<Instant>,
}

impl DirectPath {
    pub(super) fn endpoint(&self) -> Option<SocketAddr> {
        self.endpoint
    }

    pub(super) fn open_endpoint(&self) -> Option<SocketAddr> {
        self.endpoint.filter(|_| self.open)
    }

    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    pub(super) fn was_answered(&self) -> bool {
        self.last_answer.is_some()
    }

    pub(super) fn has_recent_answer(&self, now: Instant) -> bool {
        self.last_answer.is_some_and(|at| now.saturating_duration_since(at) < RECENT_ANSWER)
    }

    /// Opens the path to an endpoint that has answered.
    pub(super) fn open(&mut self, endpoint: SocketAddr, now: Instant) {
        *self = Self { endpoint: Some(endpoint), open: true, last_answer: Some(now) };
    }

    /// Moves the path to an endpoint where the peer was heard.
    pub(super) fn follow(&mut self, endpoint: SocketAddr) {
        self.endpoint = Some(endpoint);
    }

    /// Forgets the last answer, so that data takes the relay as well until there is a new one.
    pub(super) fn distrust(&mut self) {
        self.last_answer = None;
    }

    pub(super) fn close(&mut self) {
        self.open = false;
        self.last_answer = None;
    }
}
