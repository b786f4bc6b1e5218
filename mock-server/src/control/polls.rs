//! Requests that are held until something changes, and how many of them a machine may have.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// A machine needs one; another may be left over from a connection that it lost. Of those beyond, the oldest are
/// answered at once.
const MOST: usize = 4;

/// The held requests of all machines of this process.
#[derive(Debug, Clone, Default)]
pub struct Polls(Arc<Mutex<Machines>>);

#[derive(Debug, Default)]
struct Machines {
    last: u64,
    /// By machine, the oldest first.
    held: HashMap<String, BTreeMap<u64, oneshot::Sender<()>>>,
}

/// A request that is held, as long as this value lives.
#[derive(Debug)]
pub struct Held {
    polls: Polls,
    machine_id: String,
    number: u64,
    displaced: oneshot::Receiver<()>,
}

impl Polls {
    /// One more request of this machine. If there are too many now, the oldest is displaced.
    pub fn hold(&self, machine_id: &str) -> Held {
        let (displace, displaced) = oneshot::channel();
        let mut machines = self.machines();
        machines.last += 1;
        let number = machines.last;
        let held = machines.held.entry(machine_id.to_owned()).or_default();
        held.insert(number, displace);
        if held.len() > MOST {
            // Dropped, which the one that waits for it notices.
            held.pop_first();
        }
        drop(machines);
        Held { polls: self.clone(), machine_id: machine_id.to_owned(), number, displaced }
    }

    fn machines(&self) -> MutexGuard<'_, Machines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Waits until newer requests of the same machine take this one's place.
    pub async fn displaced(&mut self) {
        let _ = (&mut self.displaced).await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut machines = self.polls.machines();
        if let Some(held) = machines.held.get_mut(&self.machine_id) {
            held.remove(&self.number);
            if held.is_empty() {
                machines.held.remove(&self.machine_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[test]
    fn the_newest_are_held_and_each_machine_has_its_own() {
        let polls = Polls::default();
        let mut held: Vec<Held> = (0..1000).map(|_| polls.hold("a")).collect();
        let mut other = polls.hold("b");
        let displaced = held.iter_mut().map(|held| held.displaced().now_or_never().is_some());
        assert_eq!(displaced.filter(|displaced| *displaced).count(), 1000 - MOST);
        assert!(other.displaced().now_or_never().is_none());
        assert_eq!(polls.machines().held.values().map(BTreeMap::len).sum::<usize>(), MOST + 1);
        held.pop();
        let mut one_more = polls.hold("a");
        assert!(one_more.displaced().now_or_never().is_none());
        assert_eq!(
            held.iter_mut().rev().take(MOST - 1).filter_map(|held| held.displaced().now_or_never()).count(),
            0
        );
        drop((held, other, one_more));
        assert!(polls.machines().held.is_empty());
    }
}
