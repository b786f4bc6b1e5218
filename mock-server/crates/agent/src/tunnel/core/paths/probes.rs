//! When the direct paths to a peer are probed.

use std::time::{Duration, Instant};

/// Interval of probes on an open path in use.
pub(super) const PROBE_OPEN_INTERVAL: Duration = Duration::from_secs(1);

/// An open path counts as closed once a probe has been unanswered for this long.
const CLOSED_AFTER: Duration = Duration::from_secs(3);

/// Interval of probes on closed paths while data is sent.
const PROBE_CLOSED_INTERVAL: Duration = Duration::from_secs(2);

/// Interval of probes on closed paths while no data is sent.
const PROBE_IDLE_INTERVAL: Duration = Duration::from_secs(25);

/// Minimum interval of probes, which a peer cannot shorten by sending probes itself.
const MIN_PROBE_INTERVAL: Duration = Duration::from_millis(500);

/// Paths count as in use for this long after data was sent.
const IN_USE: Duration = Duration::from_secs(10);

/// The probes sent to one peer.
#[derive(Debug, Default)]
pub(super) struct ProbeSchedule {
    last: Option<Instant>,
    /// When the first unanswered probe was sent on the open path.
    unanswered_since: Option<Instant>,
    /// Whether to probe before the regular interval has passed.
    soon: bool,
    data_sent: Option<Instant>,
}

impl ProbeSchedule {
    pub(super) fn request_soon(&mut self) {
        self.soon = true;
    }

    pub(super) fn on_data_sent(&mut self, now: Instant) {
        self.data_sent = Some(now);
    }

    /// Forgets unanswered probes, because one was answered or the path was closed.
    pub(super) fn clear_unanswered(&mut self) {
        self.unanswered_since = None;
    }

    /// Returns whether the open path must be closed.
    pub(super) fn is_timed_out(&self, now: Instant) -> bool {
        self.unanswered_since.is_some_and(|since| now.saturating_duration_since(since) >= CLOSED_AFTER)
    }

    /// Returns whether the open path has no unanswered probe and carries no data, so that it need not be verified.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.unanswered_since.is_none() && has_passed(self.data_sent, PROBE_OPEN_INTERVAL, now)
    }

    /// Returns whether the interval since the last probe has passed.
    pub(super) fn is_due(&self, path_is_open: bool, now: Instant) -> bool {
        let interval = match path_is_open {
            _ if self.soon => MIN_PROBE_INTERVAL,
            true => PROBE_OPEN_INTERVAL,
            false if has_passed(self.data_sent, IN_USE, now) => PROBE_IDLE_INTERVAL,
            false => PROBE_CLOSED_INTERVAL,
        };
        has_passed(self.last, interval, now)
    }

    pub(super) fn on_sent(&mut self, on_open_path: bool, now: Instant) {
        self.last = Some(now);
        self.soon = false;
        if on_open_path {
            self.unanswered_since.get_or_insert(now);
        }
    }
}

fn has_passed(moment: Option<Instant>, interval: Duration, now: Instant) -> bool {
    moment.is_none_or(|moment| now.saturating_duration_since(moment) >= interval)
}
