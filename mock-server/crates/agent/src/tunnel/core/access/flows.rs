//! The connections that this machine has opened to a peer.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::flow::Flow;

/// How long a connection is remembered without a packet from here.
const LIFETIME: Duration = Duration::from_secs(300);
/// The same of TCP, whose connections may be silent for longer than its keep-alives' usual two hours.
const TCP_LIFETIME: Duration = Duration::from_secs(3 * 3600);
const TCP: u8 = 6;

/// The number of connections to one peer, beyond which the ones that were silent for longest are forgotten.
const MAX_FLOWS: usize = 8192;

/// How exact the time of the last packet is.
const RESOLUTION: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Flows {
    last_sent: HashMap<Flow, Instant>,
    /// The flow of the last packet, and when it was recorded: most packets are of the same one.
    latest: Option<(Flow, Instant)>,
}

impl Flows {
    /// Notes that a packet of this flow was sent.
    pub(super) fn record(&mut self, flow: Flow, now: Instant) {
        if self
            .latest
            .is_some_and(|(latest, at)| latest == flow && now.saturating_duration_since(at) < RESOLUTION)
        {
            return;
        }
        self.latest = Some((flow, now));
        if self.last_sent.len() >= MAX_FLOWS && !self.last_sent.contains_key(&flow) {
            self.make_room(now);
        }
        self.last_sent.insert(flow, now);
    }

    /// Whether a packet of this flow was sent not too long ago.
    pub(super) fn contains(&self, flow: Flow, now: Instant) -> bool {
        self.last_sent.get(&flow).is_some_and(|at| is_alive(flow, *at, now))
    }

    /// Forgets what has expired, or else the older half.
    fn make_room(&mut self, now: Instant) {
        self.last_sent.retain(|flow, at| is_alive(*flow, *at, now));
        if self.last_sent.len() < MAX_FLOWS {
            return;
        }
        let mut times: Vec<Instant> = self.last_sent.values().copied().collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        self.last_sent.retain(|_, at| *at > median);
    }
}

fn is_alive(flow: Flow, at: Instant, now: Instant) -> bool {
    let lifetime = if flow.protocol == TCP { TCP_LIFETIME } else { LIFETIME };
    now.saturating_duration_since(at) <= lifetime
}

#[cfg(test)]
impl Flows {
    pub(super) fn len(&self) -> usize {
        self.last_sent.len()
    }
}
