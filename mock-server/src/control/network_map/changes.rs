//! Changes of a network map as they are sent, which all machines of an organisation share.
//!
//! Two thousand agents that connect at once ask for the same map; only each one's own machine is missing from its answer.

use std::ops::Range;

use bytes::Bytes;
use ztna_protocol::access::RuleView;
use ztna_protocol::network_map::PeerView;

use crate::domain::network_map::Peer;
use crate::store::network_map::Change;

/// The current state of machines that changed, in JSON.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct MapChanges {
    peers: Elements,
    removed: Elements,
    /// The access rules, a JSON array, if they have changed.
    rules: Option<Bytes>,
}

/// The elements of a JSON array, each of which belongs to a machine.
#[derive(Debug, Default, PartialEq, Eq)]
struct Elements {
    /// Separated by commas.
    json: Bytes,
    /// Where a machine's element is, sorted by its id.
    places: Vec<(Box<str>, Range<usize>)>,
}

impl MapChanges {
    pub(super) fn new(changes: Vec<Change>, rules: Option<&[RuleView]>) -> Self {
        let (mut peers, mut removed) = (Builder::default(), Builder::default());
        for Change { id, peer } in changes {
            match peer {
                Some(peer) => peers.add(&id, &view(peer)),
                None => removed.add(&id, &id),
            }
        }
        // Texts always have JSON.
        let rules = rules.and_then(|rules| serde_json::to_vec(rules).ok()).map(Bytes::from);
        Self { peers: peers.finish(), removed: removed.finish(), rules }
    }

    /// Whether nothing changed but the machine itself.
    pub fn is_empty_for(&self, machine_id: &str) -> bool {
        let nothing_else = [&self.peers, &self.removed].into_iter().all(|elements| {
            let own = usize::from(elements.place_of(machine_id).is_some());
            elements.places.len() == own
        });
        nothing_else && self.rules.is_none()
    }

    /// Whether the machine itself is among the changed ones. A change of its admission or token always is.
    pub fn mention(&self, machine_id: &str) -> bool {
        [&self.peers, &self.removed].into_iter().any(|elements| elements.place_of(machine_id).is_some())
    }

    /// The elements of `peers` without the machine itself, in two parts without copying.
    pub fn peers_for(&self, machine_id: &str) -> [Bytes; 2] {
        self.peers.without(machine_id)
    }

    /// The elements of `removed` without the machine itself.
    pub fn removed_for(&self, machine_id: &str) -> [Bytes; 2] {
        self.removed.without(machine_id)
    }

    /// The access rules, a JSON array, if they have changed.
    pub fn rules(&self) -> Option<Bytes> {
        self.rules.clone()
    }

    /// The memory that they take, about.
    pub(super) fn len(&self) -> usize {
        [&self.peers, &self.removed].into_iter().map(Elements::len).sum::<usize>()
            + self.rules.as_ref().map_or(0, Bytes::len)
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

fn view(peer: Peer) -> PeerView {
    let Peer { id, name, tailnet_ip, public_key, endpoints, relay, online, tags } = peer;
    let relay = relay.map(String::from);
    PeerView { id, name, tailnet_ip, public_key, endpoints, relay, online, tags }
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
            tags: Vec::new(),
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
        let changes = MapChanges::new(changes, None);
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
        assert!(MapChanges::new(Vec::new(), None).is_empty_for("a"));
        let changes = MapChanges::new(vec![peer("a")], None);
        assert!(changes.is_empty_for("a") && !changes.is_empty_for("b"));
        assert!(changes.mention("a") && !changes.mention("b"));
        assert_eq!(ids(&changes.peers_for("a")), Vec::<String>::new());
        let changes = MapChanges::new(vec![peer("a"), Change { id: "b".to_owned(), peer: None }], None);
        assert!(!changes.is_empty_for("a"));
        assert!(changes.mention("b"), "a removed machine");
        assert!(!MapChanges::new(vec![peer("a")], Some(&[])).is_empty_for("a"), "its rules changed");
    }
}
