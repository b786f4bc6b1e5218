//! The peers of a node by index, key and address.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use boringtun::x25519::PublicKey;

use super::peer::{Peer, Session};

/// An index on the wire has 32 bits, of which boringtun uses the lower eight for the sessions of one peer.
const SLOT_BITS: u32 = 24;

/// All peers, each with its own address.
#[derive(Default)]
pub(super) struct PeerTable {
    peers: HashMap<u32, Peer>,
    by_key: HashMap<PublicKey, u32>,
    by_address: HashMap<Ipv4Addr, u32>,
    /// The reverse of `by_address`.
    addresses: HashMap<u32, Ipv4Addr>,
    last_slot: u32,
}

impl PeerTable {
    /// Returns the peer with `key`, created if it is new, and assigns `address` to it.
    pub(super) fn set(
        &mut self,
        key: PublicKey,
        address: Ipv4Addr,
        new_session: impl FnOnce(u32) -> Session,
    ) -> &mut Peer {
        let slot = match self.by_key.get(&key) {
            Some(slot) => *slot,
            None => self.free_slot(),
        };
        self.by_key.insert(key, slot);
        self.forget_address(slot);
        if let Some(former) = self.by_address.insert(address, slot) {
            self.addresses.remove(&former);
        }
        self.addresses.insert(slot, address);
        self.peers.entry(slot).or_insert_with(|| Peer::new(key, address, new_session(slot)))
    }

    pub(super) fn remove(&mut self, key: &PublicKey) {
        if let Some(slot) = self.by_key.remove(key) {
            self.forget_address(slot);
            self.peers.remove(&slot);
        }
    }

    pub(super) fn by_key(&mut self, key: &PublicKey) -> Option<&mut Peer> {
        self.peers.get_mut(self.by_key.get(key)?)
    }

    pub(super) fn by_address(&mut self, address: Ipv4Addr) -> Option<&mut Peer> {
        self.peers.get_mut(self.by_address.get(&address)?)
    }

    /// Returns the peer that has a session with this receiver index.
    pub(super) fn by_index(&mut self, index: u32) -> Option<&mut Peer> {
        self.peers.get_mut(&(index >> (u32::BITS - SLOT_BITS)))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Peer> {
        self.peers.values_mut()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }

    fn forget_address(&mut self, slot: u32) {
        if let Some(address) = self.addresses.remove(&slot) {
            self.by_address.remove(&address);
        }
    }

    /// Slots are reused late, so that datagrams for a removed peer do not reach its successor.
    fn free_slot(&mut self) -> u32 {
        loop {
            self.last_slot = (self.last_slot + 1) % (1 << SLOT_BITS);
            if !self.peers.contains_key(&self.last_slot) {
                return self.last_slot;
            }
        }
    }
}
