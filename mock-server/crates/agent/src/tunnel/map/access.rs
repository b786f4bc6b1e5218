//! The access rules as this machine applies them to each of its peers.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::Value;
use ztna_protocol::access::{AccessRule, Policy, RuleView};

use crate::tunnel::core::PeerAccess;

/// The access rules of the organisation, and what they mean for machines with the same tags.
#[derive(Debug)]
pub(super) struct AccessRules {
    own_address: Ipv4Addr,
    own_tags: Vec<String>,
    policy: Policy,
    /// By the peers' tags, since many have the same.
    compiled: HashMap<Vec<String>, Arc<PeerAccess>>,
}

impl AccessRules {
    /// No rules, for the machine with this address.
    pub(super) fn none(own_address: Ipv4Addr) -> Self {
        let (policy, own_tags) = (Policy::default(), Vec::new());
        Self { own_address, own_tags, policy, compiled: HashMap::new() }
    }

    /// Replaces the rules. One that cannot be read allows nothing.
    pub(super) fn set_rules(&mut self, rules: &[Value]) {
        let read = |rule: &Value| {
            let view: RuleView = serde_json::from_value(rule.clone()).ok()?;
            AccessRule::parse(&view).ok()
        };
        let readable: Vec<AccessRule> = rules.iter().filter_map(read).collect();
        if readable.len() < rules.len() {
            let unreadable = rules.len() - readable.len();
            tracing::warn!(
                unreadable,
                "access rules that this version cannot read allow nothing. Update ztna"
            );
        }
        let policy = if rules.is_empty() { Policy::default() } else { Policy::only(readable) };
        if policy != self.policy {
            self.policy = policy;
            self.compiled.clear();
        }
    }

    pub(super) fn set_own_tags(&mut self, tags: Vec<String>) {
        if tags != self.own_tags {
            self.own_tags = tags;
            self.compiled.clear();
        }
    }

    /// Forgets what was compiled for tags that no machine has any more, when that is most of it.
    pub(super) fn shrink(&mut self, machines: usize) {
        if self.compiled.len() > 2 * machines + 16 {
            self.compiled.clear();
        }
    }

    /// Returns what this machine and one with these tags may open to each other.
    pub(super) fn with_peer(&mut self, tags: &[String]) -> Arc<PeerAccess> {
        if let Some(known) = self.compiled.get(tags) {
            return Arc::clone(known);
        }
        let access = Arc::new(PeerAccess {
            own_address: self.own_address,
            incoming: self.policy.grants(tags, &self.own_tags),
            outgoing: self.policy.grants(&self.own_tags, tags),
        });
        self.compiled.insert(tags.to_vec(), Arc::clone(&access));
        access
    }
}
