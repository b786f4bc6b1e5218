//! The network map: the other machines of the organisation.

mod follow;

pub(super) use follow::follow;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use boringtun::x25519::PublicKey;
use ztna_protocol::machine_name::comparable;
use ztna_protocol::network_map::PeerView;

use super::core::PeerSettings;
use crate::control_client::NetworkMapAnswer;

/// The machines that this one may communicate with, by id.
#[derive(Debug, Default)]
pub(super) struct NetworkMap {
    machines: BTreeMap<String, MapMachine>,
}

/// A machine of the network map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MapMachine {
    pub(super) name: String,
    pub(super) key: PublicKey,
    /// The settings for the core.
    pub(super) settings: PeerSettings,
}

/// The changes to apply to the core, in this order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct MapChanges {
    /// Keys of peers to remove.
    pub(super) removed: Vec<PublicKey>,
    pub(super) set: Vec<(PublicKey, PeerSettings)>,
}

impl NetworkMap {
    /// Applies an answer of the control plane. Machines with invalid data are left out.
    pub(super) fn apply(&mut self, answer: NetworkMapAnswer) -> MapChanges {
        let mut changes = MapChanges::default();
        let gone: Vec<String> = if answer.full {
            let stays = |id: &String| answer.peers.iter().any(|peer| peer.id == *id);
            self.machines.keys().filter(|id| !stays(id)).cloned().collect()
        } else {
            answer.removed
        };
        changes.removed.extend(gone.iter().filter_map(|id| self.machines.remove(id)).map(|gone| gone.key));
        for peer in answer.peers {
            let known = self.machines.get(&peer.id);
            let Some(machine) = MapMachine::read(&peer) else {
                tracing::warn!(id = peer.id, "ignoring a machine with invalid data in the network map");
                changes.removed.extend(self.machines.remove(&peer.id).map(|gone| gone.key));
                continue;
            };
            if known == Some(&machine) {
                continue;
            }
            // Registered again, so the old key is no longer valid (headless/ST4.3).
            changes.removed.extend(known.map(|known| known.key).filter(|key| *key != machine.key));
            changes.set.push((machine.key, machine.settings.clone()));
            self.machines.insert(peer.id, machine);
        }
        self.keep_shared_keys(&mut changes);
        changes
    }

    /// A key that several machines claim stays with the first one, and goes only when the last of them has gone: a
    /// machine must not cut off another by claiming its key.
    fn keep_shared_keys(&self, changes: &mut MapChanges) {
        let holder = |key: &PublicKey| self.machines().find(|machine| machine.key == *key);
        let still_held: Vec<_> = changes.removed.iter().filter_map(holder).collect();
        changes.set.extend(still_held.iter().map(|machine| (machine.key, machine.settings.clone())));
        changes.removed.retain(|key| holder(key).is_none());
        for (key, settings) in &mut changes.set {
            if let Some(machine) = holder(key) {
                settings.clone_from(&machine.settings);
            }
        }
    }

    pub(super) fn clear(&mut self) -> MapChanges {
        let removed = std::mem::take(&mut self.machines).into_values().map(|machine| machine.key).collect();
        MapChanges { removed, set: Vec::new() }
    }

    /// Returns the machine with this tailnet address or, compared without case, this name. A name never stands in for an
    /// address.
    pub(super) fn find(&self, named: &str) -> Option<&MapMachine> {
        if let Ok(address) = named.parse::<Ipv4Addr>() {
            return self.machines().find(|machine| machine.settings.address == address);
        }
        let wanted = comparable(named);
        let same_spelling = self.machines().find(|machine| machine.name == named);
        same_spelling.or_else(|| self.machines().find(|machine| comparable(&machine.name) == wanted))
    }

    pub(super) fn machines(&self) -> impl Iterator<Item = &MapMachine> {
        self.machines.values()
    }
}

impl MapMachine {
    fn read(peer: &PeerView) -> Option<Self> {
        let key: [u8; 32] = BASE64.decode(&peer.public_key).ok()?.try_into().ok()?;
        let endpoints = peer.endpoints.iter().filter_map(|endpoint| endpoint.parse::<SocketAddr>().ok());
        let settings = PeerSettings {
            address: peer.tailnet_ip.parse().ok()?,
            endpoints: endpoints.take(ztna_protocol::endpoint::MAX_ENDPOINTS).collect(),
            relay: peer.relay.as_deref().and_then(|code| code.parse().ok()),
            online: peer.online,
        };
        Some(Self { name: peer.name.clone(), key: PublicKey::from(key), settings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn peer(id: &str, key: u8, endpoint: &str) -> Value {
        json!({
            "id": id, "name": format!("name-{id}"), "tailnet_ip": "100.64.0.7", "online": true,
            "public_key": BASE64.encode([key; 32]), "endpoints": [endpoint, "invalid"],
        })
    }

    fn answer(full: bool, peers: &[Value], removed: &[&str]) -> NetworkMapAnswer {
        serde_json::from_value(json!({ "version": 1, "full": full, "peers": peers, "removed": removed }))
            .unwrap()
    }

    /// Returns the first bytes of the removed keys, and those of the set keys with their endpoints.
    fn shown(changes: &MapChanges) -> (Vec<u8>, Vec<(u8, String)>) {
        let removed = changes.removed.iter().map(|key| key.as_bytes()[0]).collect();
        let set = changes.set.iter().map(|(key, settings)| {
            let endpoints: Vec<String> = settings.endpoints.iter().map(SocketAddr::to_string).collect();
            (key.as_bytes()[0], endpoints.join(" "))
        });
        (removed, set.collect())
    }

    #[test]
    fn an_impostors_key_does_not_cut_off_its_holder() {
        let mut map = NetworkMap::default();
        map.apply(answer(true, &[peer("a", 1, "192.0.2.1:1")], &[]));
        let impostor = map.apply(answer(false, &[peer("b", 1, "192.0.2.66:6")], &[]));
        assert_eq!(shown(&impostor), (vec![], vec![(1, "192.0.2.1:1".to_owned())]));
        let gone = map.apply(answer(false, &[], &["b"]));
        assert_eq!(shown(&gone), (vec![], vec![(1, "192.0.2.1:1".to_owned())]));
        let last = map.apply(answer(false, &[], &["a"]));
        assert_eq!(shown(&last), (vec![1], vec![]));
    }

    #[test]
    fn a_name_never_stands_in_for_an_address() {
        let mut map = NetworkMap::default();
        let mut named = peer("a", 1, "192.0.2.1:1");
        named["name"] = json!("100.64.0.9");
        let mut addressed = peer("b", 2, "192.0.2.2:1");
        addressed["tailnet_ip"] = json!("100.64.0.9");
        map.apply(answer(true, &[named, addressed], &[]));
        assert_eq!(map.find("100.64.0.9").map(|machine| machine.key.as_bytes()[0]), Some(2));
        assert_eq!(map.find("100.64.0.8").map(|machine| machine.name.as_str()), None);
        assert_eq!(map.find("NAME-B").map(|machine| machine.name.as_str()), Some("name-b"));
    }

    #[test]
    fn answers_become_changes() {
        let mut map = NetworkMap::default();
        let unusable = json!({ "id": "x", "name": "x", "tailnet_ip": "fe80::1", "public_key": "AA==" });
        for (answer, removed, set) in [
            (answer(true, &[peer("a", 1, "10.0.0.1:1"), unusable], &[]), vec![], vec![(1, "10.0.0.1:1")]),
            (answer(false, &[peer("b", 2, "10.0.0.2:1")], &["unknown"]), vec![], vec![(2, "10.0.0.2:1")]),
            (answer(false, &[], &[]), vec![], vec![]),
            (answer(false, &[peer("a", 1, "10.0.0.1:9")], &[]), vec![], vec![(1, "10.0.0.1:9")]),
            (answer(false, &[peer("a", 3, "10.0.0.1:9")], &[]), vec![1], vec![(3, "10.0.0.1:9")]),
            (answer(false, &[], &["b"]), vec![2], vec![]),
            (answer(true, &[peer("a", 3, "10.0.0.1:9")], &[]), vec![], vec![]),
            (answer(true, &[peer("c", 4, "10.0.0.4:1")], &[]), vec![3], vec![(4, "10.0.0.4:1")]),
        ] {
            let shown = shown(&map.apply(answer));
            let set = set.into_iter().map(|(key, text): (u8, &str)| (key, text.to_owned())).collect();
            assert_eq!(shown, (removed, set));
        }
        assert_eq!(map.find("name-c"), map.find("100.64.0.7"));
        assert!(map.find("name-c").is_some() && map.find("name-a").is_none());
        assert_eq!(shown(&map.clear()), (vec![4], vec![]));
        assert!(map.find("name-c").is_none());
    }
}
