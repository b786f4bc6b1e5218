//! Limits the number of concurrent long polls per machine, user and API key.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The maximum number of long polls per machine. It needs one; others may be left over from lost connections. Beyond
/// the limit, the oldest one is answered at once.
const MAX_POLLS: usize = 4;

/// The long polls of all machines in this process.
#[derive(Debug, Clone, Default)]
pub struct LongPolls(Arc<Mutex<Polls>>);

#[derive(Debug, Default)]
struct Polls {
    last_number: u64,
    /// By machine, ordered by number.
    by_machine: HashMap<String, BTreeMap<u64, oneshot::Sender<()>>>,
}

/// A registered long poll, deregistered on drop.
#[derive(Debug)]
pub struct PollGuard {
    polls: LongPolls,
    machine_id: String,
    number: u64,
    displaced: oneshot::Receiver<()>,
}

impl LongPolls {
    /// Registers a long poll of the machine and displaces its oldest one if there are too many.
    pub fn add(&self, machine_id: &str) -> PollGuard {
        let (displace, displaced) = oneshot::channel();
        let mut polls = self.lock();
        polls.last_number += 1;
        let number = polls.last_number;
        let of_machine = polls.by_machine.entry(machine_id.to_owned()).or_default();
        of_machine.insert(number, displace);
        if of_machine.len() > MAX_POLLS {
            // Dropping the sender wakes the displaced poll.
            of_machine.pop_first();
        }
        drop(polls);
        PollGuard { polls: self.clone(), machine_id: machine_id.to_owned(), number, displaced }
    }

    fn lock(&self) -> MutexGuard<'_, Polls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PollGuard {
    /// Waits until newer long polls of the same machine displace this one.
    pub async fn displaced(&mut self) {
        let _ = (&mut self.displaced).await;
    }
}

impl Drop for PollGuard {
    fn drop(&mut self) {
        let mut polls = self.polls.lock();
        if let Some(of_machine) = polls.by_machine.get_mut(&self.machine_id) {
            of_machine.remove(&self.number);
            if of_machine.is_empty() {
                polls.by_machine.remove(&self.machine_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[test]
    fn the_newest_polls_of_each_machine_are_kept() {
        let polls = LongPolls::default();
        let mut guards: Vec<PollGuard> = (0..1000).map(|_| polls.add("a")).collect();
        let mut other = polls.add("b");
        let displaced = guards.iter_mut().map(|guard| guard.displaced().now_or_never().is_some());
        assert_eq!(displaced.filter(|displaced| *displaced).count(), 1000 - MAX_POLLS);
        assert!(other.displaced().now_or_never().is_none());
        assert_eq!(polls.lock().by_machine.values().map(BTreeMap::len).sum::<usize>(), MAX_POLLS + 1);
        guards.pop();
        let mut one_more = polls.add("a");
        assert!(one_more.displaced().now_or_never().is_none());
        assert_eq!(
            guards
                .iter_mut()
                .rev()
                .take(MAX_POLLS - 1)
                .filter_map(|guard| guard.displaced().now_or_never())
                .count(),
            0
        );
        drop((guards, other, one_more));
        assert!(polls.lock().by_machine.is_empty());
    }
}
