//! Machines and when they count as offline.

use std::net::Ipv4Addr;

use super::moment::{MINUTE, Seconds};
use super::nature::Nature;
use crate::independent::choices::Choice;

pub(super) struct Machine {
    pub(super) id: String,
    pub(super) org: String,
    pub(super) name: String,
    pub(super) address: Ipv4Addr,
    pub(super) tags: Vec<String>,
    pub(super) ephemeral: bool,
    pub(super) quarantined: bool,
    /// Its row stays, where that is chosen.
    pub(super) removed: Option<&'static str>,
    pub(super) seen: Seconds,
    pub(super) created: Seconds,
    pub(super) tokens: Vec<String>,
}

impl Machine {
    pub(super) fn is_named(&self, org: &str, name: &str, nature: &Nature) -> bool {
        let is_same = match nature.chooses(Choice::NamesIgnoreCase) {
            true => self.name.eq_ignore_ascii_case(name),
            false => self.name == name,
        };
        self.removed.is_none() && self.org == org && is_same
    }

    pub(super) fn status(&self, now: Seconds, nature: &Nature) -> &'static str {
        match (self.removed, self.quarantined, now - self.seen < silence(nature)) {
            (Some(how), _, _) => how,
            (None, true, _) => "isolated",
            (None, false, true) => "online",
            (None, false, false) => "asleep",
        }
    }

    /// Whether it is ephemeral and has been offline for too long.
    pub(super) fn has_lapsed(&self, now: Seconds, nature: &Nature) -> bool {
        let afterwards = match nature.chooses(Choice::EphemeralGoAtOnce) {
            true => 0,
            false => 30 * MINUTE,
        };
        self.ephemeral && now - self.seen >= silence(nature) + afterwards
    }
}

/// How long a machine may send no heartbeat before it counts as offline.
fn silence(nature: &Nature) -> Seconds {
    match nature.chooses(Choice::SlowToCallOffline) {
        true => 12 * MINUTE,
        false => 5 * MINUTE,
    }
}
