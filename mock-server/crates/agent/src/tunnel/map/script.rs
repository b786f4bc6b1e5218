//! Applies arbitrary answers of the control plane to a network map and a node, and checks both.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use boringtun::x25519::StaticSecret;
use ztna_protocol::address::is_tailnet;

use super::{Named, NetworkMap};
use crate::control_client::NetworkMapAnswer;
use crate::tunnel::core::Core;

/// # Panics
/// If a peer has an address outside the tailnet, this machine's own or another peer's, if two peers have one key, if the
/// node does not have the map's peers, or if a machine is found under a name that is another's address.
pub(crate) fn run(answers: impl IntoIterator<Item = NetworkMapAnswer>) {
    const OWN: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 1);
    let now = Instant::now();
    let (mut map, mut core) = (NetworkMap::new(OWN), Core::new(StaticSecret::from([7; 32]), now));
    for answer in answers {
        let changes = map.apply(answer);
        changes.removed.iter().for_each(|key| core.remove_peer(key));
        changes.set.into_iter().for_each(|(key, settings)| core.set_peer(key, settings, now));
        let (mut keys, mut addresses) = (HashSet::new(), HashSet::new());
        for machine in map.machines() {
            let address = machine.settings.address;
            assert!(is_tailnet(address.into()) && address != OWN, "{address}");
            assert!(keys.insert(machine.key) && addresses.insert(address), "claimed twice: {address}");
            let is_own_key = machine.key == boringtun::x25519::PublicKey::from(&StaticSecret::from([7; 32]));
            assert_eq!(core.peer_state(address).is_some(), !is_own_key, "{address}");
            let named = Named::parse(&machine.name);
            let found = map.find(&named);
            match named {
                Named::Address(named) => {
                    assert!(found.is_none_or(|found| IpAddr::V4(found.settings.address) == named));
                }
                Named::Name { .. } => assert_eq!(found.is_some(), machine.has_usable_name || found.is_some()),
            }
        }
        let _ = core.deadline();
        while let Some(batch) = core.poll_batch() {
            core.recycle(batch);
        }
    }
    map.clear().removed.iter().for_each(|key| core.remove_peer(key));
    assert_eq!(core.deadline(), None, "no peer is left");
}
