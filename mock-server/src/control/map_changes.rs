//! Changes of a network map as they are sent, which all machines of an organisation share.
//!
//! Two thousand agents that connect at once ask for the same map; only each one's own machine is missing from its answer.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use ztna_protocol::network_map::PeerView;

use crate::domain::network_map::Peer;
use crate::store::network_map::Change;

/// The memory of the maps that are kept for further machines.
const MAX_KEPT_LEN: usize = 64 << 20;
const MAX_KEPT: usize = 256;

/// The current state of machines that changed, in JSON.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct MapChanges {
    peers: Elements,
    removed: Elements,
}

/// The elements of a JSON array, each of which belongs to a machine.
#[derive(Debug, Default, PartialEq, Eq)]
struct Elements {
    /// Separated by commas.
    json: Bytes,
    /// Where a machine's element is, sorted by its id.
    places: Vec<(Box<str>, Range<usize>)>,
}

/// Maps of this process, newest last. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MapCache(Arc<Mutex<VecDeque<Kept>>>);

#[derive(Debug)]
struct Kept {
    key: Key,
    changes: Arc<MapChanges>,
}

/// What the changes are of: an organisation's map, from one version, or from none, to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) org_id: String,
    pub(super) since: Option<i64>,
    pub(super) version: i64,
}

impl MapChanges {
    pub(super) fn new(changes: Vec<Change>) -> Self {
        let (mut peers, mut removed) = (Builder::default(), Builder::default());
        for Change { id, peer } in changes {
            match peer {
                Some(peer) => peers.add(&id, &view(peer)),
                None => removed.add(&id, &id),
            }
        }
        Self { peers: peers.finish(), removed: removed.finish() }
    }

    /// Whether nothing changed but the machine itself.
    pub fn is_empty_for(&self, machine_id: &str) -> bool {
        [&self.peers, &self.removed].into_iter().all(|elements| {
            let own = usize::from(elements.place_of(machine_id).is_some());
            elements.places.len() == own
        })
    }

    /// The elements of `peers` without the machine itself, in two parts without copying.
    pub fn peers_for(&self, machine_id: &str) -> [Bytes; 2] {
        self.peers.without(machine_id)
    }

    /// The elements of `removed` without the machine itself.
    pub fn removed_for(&self, machine_id: &str) -> [Bytes; 2] {
        self.removed.without(machine_id)
    }

    fn len(&self) -> usize {
        [&self.peers, &self.removed].into_iter().map(Elements::len).sum()
    }
}

impl Elements {
    fn place_of(&self, machine_id: &str) -> Option<Range<usize>> {
        let at = self.places.binary_search_by(|(id, _)| (**id).cmp(machine_id)).ok()?;
        self.places.get(at).map(|(_, place)| place.clone())
    }

    fn without(&self, machine_id: &str) -> [Bytes; 2] {
        let Some(Range { start, end }) = self.place_of(machine_id) else {
            return [self.json.clone(), Bytes::new()];
        };
        // One of the two commas around it goes as well.
        match start.checked_sub(1) {
            Some(comma) => [self.json.slice(..comma), self.json.slice(end..)],
            None => [Bytes::new(), self.json.slice((end + 1).min(self.json.len())..)],
        }
    }

    /// The memory that it takes, about.
    fn len(&self) -> usize {
        const ID_LEN: usize = 36;
        self.json.len() + self.places.len() * (size_of::<(Box<str>, Range<usize>)>() + ID_LEN)
    }
}

#[derive(Default)]
struct Builder {
    json: Vec<u8>,
    places: Vec<(Box<str>, Range<usize>)>,
}

impl Builder {
    fn add(&mut self, id: &str, element: &impl serde::Serialize) {
        let before = self.json.len();
        if before > 0 {
            self.json.push(b',');
        }
        let start = self.json.len();
        // Texts and flags always have JSON; a machine without it would be left out.
        if serde_json::to_writer(&mut self.json, element).is_ok() {
            self.places.push((id.into(), start..self.json.len()));
        } else {
            self.json.truncate(before);
        }
    }

    fn finish(mut self) -> Elements {
        self.places.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        self.places.shrink_to_fit();
        self.json.shrink_to_fit();
        Elements { json: self.json.into(), places: self.places }
    }
}

impl MapCache {
    pub(super) fn get(&self, key: &Key) -> Option<Arc<MapChanges>> {
        self.lock().iter().rev().find(|kept| kept.key == *key).map(|kept| Arc::clone(&kept.changes))
    }

    /// Keeps changes that were committed.
    pub(super) fn keep(&self, key: Key, changes: &Arc<MapChanges>) {
        let mut kept = self.lock();
        if kept.iter().any(|other| other.key == key) {
            return;
        }
        // Whoever asks from now on gets the newer version.
        kept.retain(|other| other.key.org_id != key.org_id || other.key.version >= key.version);
        kept.push_back(Kept { key, changes: Arc::clone(changes) });
        let mut total: usize = kept.iter().map(|kept| kept.changes.len()).sum();
        while total > MAX_KEPT_LEN || kept.len() > MAX_KEPT {
            let Some(oldest) = kept.pop_front() else { break };
            total -= oldest.changes.len();
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn view(peer: Peer) -> PeerView {
    let Peer { id, name, tailnet_ip, public_key, endpoints, relay, online } = peer;
    PeerView { id, name, tailnet_ip, public_key, endpoints, relay: relay.map(String::from), online }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(id: &str) -> Change {
        let peer = Peer {
            id: id.to_owned(),
            name: format!("name of {id}"),
            tailnet_ip: "100.64.0.1".to_owned(),
            public_key: "key".to_owned(),
            endpoints: Vec::new(),
            relay: None,
            online: true,
        };
        Change { id: id.to_owned(), peer: Some(peer) }
    }

    fn ids(parts: &[Bytes; 2]) -> Vec<String> {
        let json =
            format!("[{}]", parts.iter().map(|part| String::from_utf8_lossy(part)).collect::<String>());
        let elements: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
        let id =
            |element: &serde_json::Value| element.get("id").unwrap_or(element).as_str().unwrap().to_owned();
        elements.iter().map(id).collect()
    }

    #[test]
    fn each_machine_gets_all_others() {
        // In the order of their names, which is not that of their ids.
        let all = ["c", "a", "b"];
        let mut changes: Vec<Change> = all.iter().map(|id| peer(id)).collect();
        changes.extend(["x", "y"].map(|id| Change { id: id.to_owned(), peer: None }));
        let changes = MapChanges::new(changes);
        for own in ["a", "b", "c", "x", "y", "z", ""] {
            let without = |ids: &[&str]| -> Vec<String> {
                ids.iter().filter(|id| **id != own).map(|id| (*id).to_owned()).collect()
            };
            assert_eq!(ids(&changes.peers_for(own)), without(&all), "{own}");
            assert_eq!(ids(&changes.removed_for(own)), without(&["x", "y"]), "{own}");
        }
        let json = changes.peers.json.as_ptr();
        assert_eq!(changes.peers_for("z")[0].as_ptr(), json, "nothing is copied");
    }

    #[test]
    fn a_machine_alone_sees_no_change() {
        assert!(MapChanges::new(Vec::new()).is_empty_for("a"));
        let changes = MapChanges::new(vec![peer("a")]);
        assert!(changes.is_empty_for("a") && !changes.is_empty_for("b"));
        assert_eq!(ids(&changes.peers_for("a")), Vec::<String>::new());
        let changes = MapChanges::new(vec![peer("a"), Change { id: "b".to_owned(), peer: None }]);
        assert!(!changes.is_empty_for("a"));
    }

    #[test]
    fn kept_maps_are_current_and_bounded() {
        let cache = MapCache::default();
        let key = |org: usize, since, version| Key { org_id: org.to_string(), since, version };
        let changes = Arc::new(MapChanges::new(vec![peer("a")]));
        cache.keep(key(0, None, 1), &changes);
        cache.keep(key(0, Some(1), 2), &changes);
        assert!(cache.get(&key(0, None, 1)).is_none(), "an older version");
        assert!(Arc::ptr_eq(&cache.get(&key(0, Some(1), 2)).unwrap(), &changes));
        assert!(cache.get(&key(0, None, 2)).is_none() && cache.get(&key(1, Some(1), 2)).is_none());
        for org in 0..1000 {
            cache.keep(key(org, None, 3), &changes);
        }
        assert_eq!(cache.lock().len(), MAX_KEPT);
        let large = Change { id: "l".repeat(20 << 20), peer: None };
        let large = Arc::new(MapChanges::new(vec![large]));
        for org in 0..10 {
            cache.keep(key(org, None, 4), &large);
        }
        let total: usize = cache.lock().iter().map(|kept| kept.changes.len()).sum();
        assert!(total <= MAX_KEPT_LEN, "{total}");
    }
}
