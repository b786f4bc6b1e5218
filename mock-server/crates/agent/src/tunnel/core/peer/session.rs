//! The cryptographic session with a peer: a wrapper of boringtun's tunnel.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use boringtun::noise::errors::WireGuardError;
use boringtun::noise::rate_limiter::RateLimiter;
use boringtun::noise::{Tunn, TunnResult};
use boringtun::x25519::{PublicKey, StaticSecret};

use crate::tunnel::core::packet::INITIATION;

/// Interval of keepalives, which keep NAT mappings open.
const KEEPALIVE_SECONDS: u16 = 25;

/// boringtun's timers are updated before use if their last update is older than this.
const TIMERS_STALE_AFTER: Duration = Duration::from_secs(1);

/// The session with a peer and the handshakes that renew it.
///
/// boringtun's part has about 24 KiB, and exists from the first handshake on: an organisation of sixty thousand machines
/// would take more than a gigabyte.
pub(in crate::tunnel::core) struct Session {
    keys: Keys,
    tunn: Option<Box<Tunn>>,
    timers_updated: Instant,
}

struct Keys {
    private: StaticSecret,
    peer: PublicKey,
    /// The receiver indices of its messages start with it.
    slot: u32,
    limiter: Arc<RateLimiter>,
}

/// The content of a data message.
pub(super) enum Content<'a> {
    Ipv4 { length: usize, source: Ipv4Addr },
    Ipv6(&'a [u8]),
    Keepalive,
}

/// A message is forged, replayed or of an expired session.
pub(super) struct Rejected;

/// What boringtun's timers ask for.
pub(super) enum TimerAction<'a> {
    Nothing,
    Initiate(&'a [u8]),
    /// Send any other message, such as a keepalive.
    Send(&'a [u8]),
    /// The handshake or the session has expired.
    Expire,
}

impl Session {
    /// Creates the session with the peer `key`. The receiver indices of its messages start with `slot`.
    pub(in crate::tunnel::core) fn new(
        private: StaticSecret,
        key: PublicKey,
        slot: u32,
        limiter: Arc<RateLimiter>,
        now: Instant,
    ) -> Self {
        Self { keys: Keys { private, peer: key, slot, limiter }, tunn: None, timers_updated: now }
    }

    fn tunn(&mut self) -> &mut Tunn {
        let Keys { private, peer, slot, limiter } = &self.keys;
        self.tunn.get_or_insert_with(|| {
            let limiter = Some(Arc::clone(limiter));
            Box::new(Tunn::new(private.clone(), *peer, None, Some(KEEPALIVE_SECONDS), *slot, limiter))
        })
    }

    /// Returns whether a handshake was completed and has not expired.
    pub(super) fn is_established(&self) -> bool {
        self.tunn.as_ref().is_some_and(|tunn| tunn.time_since_last_handshake().is_some())
    }

    /// Encrypts an inner packet into `room`; `None` if there is no session.
    pub(super) fn encrypt<'a>(&mut self, packet: &[u8], room: &'a mut [u8]) -> Option<&'a [u8]> {
        match self.tunn.as_mut()?.encapsulate(packet, room) {
            TunnResult::WriteToNetwork(datagram) => Some(datagram),
            _ => None,
        }
    }

    /// Decrypts a data message to the beginning of `room`.
    pub(super) fn decrypt<'a>(
        &mut self,
        from: IpAddr,
        datagram: &[u8],
        room: &'a mut [u8],
    ) -> Result<Content<'a>, Rejected> {
        match self.tunn.as_mut().ok_or(Rejected)?.decapsulate(Some(from), datagram, room) {
            TunnResult::WriteToTunnelV4(packet, source) => Ok(Content::Ipv4 { length: packet.len(), source }),
            TunnResult::WriteToTunnelV6(packet, _) => Ok(Content::Ipv6(packet)),
            TunnResult::Done => Ok(Content::Keepalive),
            TunnResult::WriteToNetwork(_) | TunnResult::Err(_) => Err(Rejected),
        }
    }

    /// Processes a handshake message or cookie reply and returns the answer to send, if any.
    pub(super) fn process_handshake<'a>(
        &mut self,
        from: IpAddr,
        datagram: &[u8],
        buffer: &'a mut [u8],
    ) -> Result<Option<&'a [u8]>, Rejected> {
        // An answer without a question needs no session.
        if self.tunn.is_none() && datagram.first() != Some(&INITIATION) {
            return Err(Rejected);
        }
        match self.tunn().decapsulate(Some(from), datagram, buffer) {
            TunnResult::WriteToNetwork(answer) => Ok(Some(answer)),
            TunnResult::Done => Ok(None),
            _ => Err(Rejected),
        }
    }

    /// Creates a handshake initiation, even if another one is pending.
    pub(super) fn initiate<'a>(&mut self, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
        match self.tunn().format_handshake_initiation(buffer, true) {
            TunnResult::WriteToNetwork(message) => Some(message),
            _ => None,
        }
    }

    /// Returns the next message that boringtun has queued itself: a keepalive for which there was no session.
    pub(super) fn queued_message<'a>(&mut self, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
        match self.tunn.as_mut()?.decapsulate(None, &[], buffer) {
            TunnResult::WriteToNetwork(message) => Some(message),
            _ => None,
        }
    }

    pub(super) fn run_timers<'a>(&mut self, now: Instant, buffer: &'a mut [u8]) -> TimerAction<'a> {
        self.timers_updated = now;
        let Some(tunn) = &mut self.tunn else { return TimerAction::Nothing };
        match tunn.update_timers(buffer) {
            TunnResult::WriteToNetwork(message) if message.first() == Some(&INITIATION) => {
                TimerAction::Initiate(message)
            }
            TunnResult::WriteToNetwork(message) => TimerAction::Send(message),
            TunnResult::Err(WireGuardError::ConnectionExpired) => TimerAction::Expire,
            _ => TimerAction::Nothing,
        }
    }

    /// Updates boringtun's timers before a handshake. They count from its last look at the clock: after a long silence a
    /// new handshake would count as old and be given up at once.
    pub(super) fn update_stale_timers(&mut self, now: Instant, buffer: &mut [u8]) {
        if now.saturating_duration_since(self.timers_updated) >= TIMERS_STALE_AFTER {
            self.timers_updated = now;
            if let Some(tunn) = &mut self.tunn {
                let _ = tunn.update_timers(buffer);
            }
        }
    }
}
