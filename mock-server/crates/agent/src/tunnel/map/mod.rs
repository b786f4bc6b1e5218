//! The network map: the other machines of the organisation.

mod access;
mod follow;
#[cfg(any(test, fuzzing))]
pub(super) mod script;

pub(super) use follow::follow;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};

use boringtun::x25519::PublicKey;
use ztna_protocol::access::is_tag;
use ztna_protocol::machine_name::{self, comparable};
use ztna_protocol::network_map::PeerView;
use ztna_protocol::{address, endpoint, public_key};

use super::core::{PeerAccess, PeerSettings};
use crate::checked::shortened;
use crate::control_client::NetworkMapAnswer;
use access::AccessRules;

/// The number of a machine's tags that count.
const MAX_TAGS: usize = 64;

/// The machines that this one may communicate with, by id.
///
/// A key or an address that several machines claim belongs to the one that claimed it first, and passes on when that has
/// gone: a machine must not cut off another by claiming what is the other's.
#[derive(Debug)]
pub(super) struct NetworkMap {
    own_address: Ipv4Addr,
    machines: BTreeMap<String, ListedMachine>,
    /// Number of answers so far.
    answers: u64,
    rules: AccessRules,
    /// The settings of the peers that the core has.
    peers: HashMap<PublicKey, PeerSettings>,
}

/// A machine and its claim.
#[derive(Debug)]
struct ListedMachine {
    machine: MapMachine,
    /// The answer that first gave it its key and address.
    claimed_in: u64,
    /// Whether it has its key and address, and not another machine.
    is_peer: bool,
}

/// A machine of the network map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MapMachine {
    pub(super) name: String,
    /// Whether the name is one by which a machine can be called.
    has_usable_name: bool,
    pub(super) key: PublicKey,
    /// Without the prefix `tag:`.
    tags: Vec<String>,
    /// The settings for the core.
    pub(super) settings: PeerSettings,
}

/// What a user calls a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// A tailnet address, or one that no machine has.
    Address(IpAddr),
    Name {
        as_typed: String,
        comparable: String,
    },
}

impl Named {
    /// Reads a name or an address. An IPv4 address may be written as IPv6.
    pub(super) fn parse(typed: &str) -> Self {
        let typed = typed.trim();
        match typed.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => Self::Address(address.to_canonical()),
            Err(_) => Self::Name { as_typed: typed.to_owned(), comparable: comparable(typed) },
        }
    }

    /// Returns whether this is the machine with this name and address.
    pub(super) fn is(&self, name: &str, address: Ipv4Addr) -> bool {
        match self {
            Self::Address(named) => *named == IpAddr::V4(address),
            Self::Name { comparable: named, .. } => *named == comparable(name),
        }
    }
}

/// The changes to apply to the core, in this order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct MapChanges {
    /// Keys of peers to remove.
    pub(super) removed: Vec<PublicKey>,
    pub(super) set: Vec<(PublicKey, PeerSettings)>,
}

impl NetworkMap {
    /// Creates an empty map of the machine with this address.
    pub(super) fn new(own_address: Ipv4Addr) -> Self {
        Self {
            own_address,
            machines: BTreeMap::new(),
            answers: 0,
            rules: AccessRules::none(own_address),
            peers: HashMap::new(),
        }
    }

    /// Applies an answer of the control plane. Machines with invalid data are left out.
    pub(super) fn apply(&mut self, answer: NetworkMapAnswer) -> MapChanges {
        self.answers = self.answers.saturating_add(1);
        if let Some(own) = answer.own {
            self.rules.set_own_tags(own.tags);
        }
        // A control plane without access rules sends none.
        if let Some(rules) = answer.access_rules.or_else(|| answer.full.then(Vec::new)) {
            self.rules.set_rules(&rules);
        }
        if answer.full {
            let listed: HashSet<&str> = answer.peers.iter().map(|peer| peer.id.as_str()).collect();
            self.machines.retain(|id, _| listed.contains(id.as_str()));
        } else {
            answer.removed.iter().for_each(|id| drop(self.machines.remove(id)));
        }
        for peer in answer.peers {
            match MapMachine::read(&peer).filter(|machine| machine.settings.address != self.own_address) {
                Some(machine) => self.list(peer.id, machine),
                None => {
                    tracing::warn!(
                        id = shortened(&peer.id),
                        "ignoring a machine with invalid data in the network map"
                    );
                    self.machines.remove(&peer.id);
                }
            }
        }
        self.changes()
    }

    pub(super) fn clear(&mut self) -> MapChanges {
        self.machines.clear();
        self.changes()
    }

    /// Returns the machine with this tailnet address or, compared without case, this name. A name never stands in for an
    /// address.
    pub(super) fn find(&self, named: &Named) -> Option<&MapMachine> {
        match named {
            Named::Address(address) => {
                self.machines().find(|machine| IpAddr::V4(machine.settings.address) == *address)
            }
            Named::Name { as_typed, comparable: wanted } => {
                let mut named = self.machines().filter(|machine| machine.has_usable_name);
                let same_spelling = named.clone().find(|machine| machine.name == *as_typed);
                same_spelling.or_else(|| named.find(|machine| comparable(&machine.name) == *wanted))
            }
        }
    }

    pub(super) fn machines(&self) -> impl Iterator<Item = &MapMachine> + Clone {
        self.machines.values().filter(|listed| listed.is_peer).map(|listed| &listed.machine)
    }

    /// Adds or updates a machine. Another key or address is a new claim.
    fn list(&mut self, id: String, machine: MapMachine) {
        let claimed_in = match self.machines.get(&id) {
            Some(known) if known.machine.claim() == machine.claim() => known.claimed_in,
            _ => self.answers,
        };
        self.machines.insert(id, ListedMachine { machine, claimed_in, is_peer: false });
    }

    /// Decides the claims, and returns how the peers differ from those that the core has.
    fn changes(&mut self) -> MapChanges {
        let mut listed: Vec<&mut ListedMachine> = self.machines.values_mut().collect();
        // Claims of one answer are ordered by id, which the order of the map is.
        listed.sort_by_key(|listed| listed.claimed_in);
        self.rules.shrink(listed.len());
        let (mut peers, mut addresses) = (HashMap::with_capacity(listed.len()), HashSet::new());
        let mut changes = MapChanges::default();
        for ListedMachine { machine, is_peer, .. } in listed {
            machine.settings.access = self.rules.with_peer(&machine.tags);
            let settings = &machine.settings;
            *is_peer = !peers.contains_key(&machine.key) && addresses.insert(settings.address);
            if *is_peer {
                let before = self.peers.remove(&machine.key);
                if before.as_ref() != Some(settings) {
                    changes.set.push((machine.key, settings.clone()));
                }
                peers.insert(machine.key, settings.clone());
            }
        }
        // Those that are left are peers no more, such as under the old key of a machine that registered again
        // (headless/ST4.3).
        changes.removed.extend(self.peers.drain().map(|(key, _)| key));
        self.peers = peers;
        changes
    }
}

impl MapMachine {
    fn read(peer: &PeerView) -> Option<Self> {
        let key = public_key::parse(&peer.public_key).ok()?;
        let endpoints = peer.endpoints.iter().filter_map(|text| endpoint::parse(text));
        let settings = PeerSettings {
            address: address::parse(&peer.tailnet_ip)?,
            endpoints: endpoints.take(endpoint::MAX_ENDPOINTS).collect(),
            relay: peer.relay.as_deref().and_then(|code| code.parse().ok()),
            online: peer.online,
            // Until the map decides.
            access: PeerAccess::nothing(),
        };
        let has_usable_name = machine_name::normalise(&peer.name).is_ok();
        let tags = peer.tags.iter().filter(|tag| is_tag(tag)).take(MAX_TAGS).cloned().collect();
        let name = shortened(&peer.name);
        Some(Self { name, has_usable_name, key: PublicKey::from(key), tags, settings })
    }

    fn claim(&self) -> (&PublicKey, Ipv4Addr) {
        (&self.key, self.settings.address)
    }
}

#[cfg(test)]
mod tests;
