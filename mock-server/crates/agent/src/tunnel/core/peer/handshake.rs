//! When handshakes with a peer are started, repeated and given up.

use std::time::{Duration, Instant};

use super::initiation::Initiation;

/// Delay before a handshake is tried again with a peer that could not be reached.
const RETRY_UNREACHABLE_AFTER: Duration = Duration::from_secs(25);

/// Delay before this node starts a handshake itself because the peer has not confirmed its own.
const CONFIRM_WITHIN: Duration = Duration::from_secs(1);

/// After this time without an answer the peer may have lost the session (WireGuard's Keepalive-Timeout plus
/// Rekey-Timeout). boringtun applies the same rule by its own clock.
const MAX_SILENCE: Duration = Duration::from_secs(15);

/// The handshakes with one peer.
#[derive(Debug, Default)]
pub(super) struct HandshakeState {
    initiation: Option<Initiation>,
    /// When to start a handshake without a packet to send.
    start_at: Option<Instant>,
    /// A handshake initiated by the peer was answered; the peer's first data completes it.
    awaiting_confirmation: bool,
    /// When the first data was sent that nothing was received after.
    unanswered_since: Option<Instant>,
    last_completed: Option<Instant>,
}

/// A handshake message that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DueInitiation {
    First,
    Repeated,
}

impl HandshakeState {
    /// Starts a handshake at `start_at`, without a packet to send.
    pub(super) fn schedule(&mut self, start_at: Instant) {
        self.start_at = Some(start_at);
    }

    /// Stops a pending handshake, also one of the peer, and starts none.
    pub(super) fn cancel(&mut self) {
        self.initiation = None;
        self.start_at = None;
        self.awaiting_confirmation = false;
    }

    /// Returns whether this node has sent an initiation that was not answered yet.
    pub(super) fn is_pending(&self) -> bool {
        self.initiation.is_some()
    }

    /// Returns whether the peer's first data will complete a handshake.
    pub(super) fn awaits_confirmation(&self) -> bool {
        self.awaiting_confirmation
    }

    pub(super) fn last_completed(&self) -> Option<Instant> {
        self.last_completed
    }

    /// Returns the initiation that is due at `now`, if any.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<DueInitiation> {
        match self.initiation {
            Some(initiation) => initiation.is_due(now).then_some(DueInitiation::Repeated),
            None if self.should_start(now) => {
                self.start_at = None;
                self.unanswered_since = None;
                Some(DueInitiation::First)
            }
            None => None,
        }
    }

    fn should_start(&self, now: Instant) -> bool {
        let is_silent = |since| now.saturating_duration_since(since) >= MAX_SILENCE;
        self.start_at.is_some_and(|at| at <= now) || self.unanswered_since.is_some_and(is_silent)
    }

    pub(super) fn on_initiation_sent(&mut self, now: Instant) {
        self.initiation = Some(Initiation::started(now));
    }

    pub(super) fn on_initiation_resent(&mut self, now: Instant) {
        if let Some(initiation) = &mut self.initiation {
            initiation.on_resent(now);
        }
    }

    pub(super) fn on_data_sent(&mut self, now: Instant) {
        self.unanswered_since.get_or_insert(now);
    }

    /// Records any authenticated message of the peer.
    pub(super) fn on_received(&mut self) {
        self.unanswered_since = None;
    }

    /// Records an initiation of the peer, which was answered. The peer repeats it if the answer is lost, but it may also
    /// have accepted this node's own initiation.
    pub(super) fn on_initiation_received(&mut self, now: Instant) {
        self.initiation = None;
        self.awaiting_confirmation = true;
        self.start_at = Some(now + CONFIRM_WITHIN);
    }

    pub(super) fn on_completed(&mut self, now: Instant) {
        self.initiation = None;
        self.start_at = None;
        self.awaiting_confirmation = false;
        self.last_completed = Some(now);
    }

    /// Gives up a handshake and schedules the next one. Returns false if that was done before.
    pub(super) fn give_up(&mut self, now: Instant) -> bool {
        let given_up = self.initiation.take().is_some() || self.start_at.is_none();
        if given_up {
            self.start_at = Some(now + RETRY_UNREACHABLE_AFTER);
        }
        given_up
    }

    /// Returns when the next repetition is due, if the regular tick would be too late for it.
    pub(super) fn urgent_deadline(&self) -> Option<Instant> {
        self.initiation.and_then(|initiation| initiation.urgent_deadline())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheduled_handshake_starts_once_and_is_repeated() {
        let now = Instant::now();
        let mut handshake = HandshakeState::default();
        handshake.schedule(now + Duration::from_secs(1));
        assert_eq!(handshake.take_due(now), None);
        let later = now + Duration::from_secs(1);
        assert_eq!(handshake.take_due(later), Some(DueInitiation::First));
        handshake.on_initiation_sent(later);
        assert_eq!(handshake.take_due(later), None);
        assert_eq!(handshake.take_due(later + Duration::from_secs(1)), Some(DueInitiation::Repeated));
    }

    #[test]
    fn unanswered_data_starts_a_handshake() {
        let now = Instant::now();
        let mut handshake = HandshakeState::default();
        handshake.on_data_sent(now);
        handshake.on_data_sent(now + MAX_SILENCE / 2);
        assert_eq!(handshake.take_due(now + MAX_SILENCE), Some(DueInitiation::First));

        handshake.on_data_sent(now);
        handshake.on_received();
        assert_eq!(handshake.take_due(now + MAX_SILENCE), None);
    }

    #[test]
    fn unconfirmed_handshake_of_the_peer_is_followed_by_an_own_one() {
        let now = Instant::now();
        let mut handshake = HandshakeState::default();
        handshake.on_initiation_received(now);
        assert!(handshake.awaits_confirmation());
        assert_eq!(handshake.take_due(now + CONFIRM_WITHIN), Some(DueInitiation::First));
        handshake.on_completed(now);
        assert_eq!(handshake.take_due(now + CONFIRM_WITHIN), None);
    }

    #[test]
    fn giving_up_schedules_the_next_attempt_once() {
        let now = Instant::now();
        let mut handshake = HandshakeState::default();
        handshake.on_initiation_sent(now);
        assert!(handshake.give_up(now) && !handshake.is_pending());
        assert!(!handshake.give_up(now));
        assert_eq!(handshake.take_due(now + RETRY_UNREACHABLE_AFTER), Some(DueInitiation::First));
    }
}
