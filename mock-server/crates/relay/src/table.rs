use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use ztna_protocol::machine_token::TokenReference;
use ztna_protocol::relay::Member;

use super::queue::Queue;

type Organisations = HashMap<String, HashMap<[u8; 32], Arc<Connection>>>;

/// The connections of a relay, at most one per machine.
#[derive(Default)]
pub(super) struct ConnectionTable {
    organisations: Mutex<Organisations>,
}

/// The connection of a machine.
pub(super) struct Connection {
    pub(super) member: Member,
    pub(super) token: TokenReference,
    /// Frames to be sent to the machine.
    pub(super) queue: Queue,
    /// Notified when the connection must be closed.
    pub(super) ended: Notify,
}

impl ConnectionTable {
    /// Adds an authenticated machine. Closes an existing connection of the same machine, whose loss has not been noticed
    /// yet.
    pub(super) fn insert(&self, member: Member, token: TokenReference) -> Arc<Connection> {
        let (queue, ended) = (Queue::default(), Notify::new());
        let connection = Arc::new(Connection { member, token, queue, ended });
        let Member { org_id, public_key } = connection.member.clone();
        let replaced = self.lock().entry(org_id).or_default().insert(public_key, Arc::clone(&connection));
        if let Some(replaced) = replaced {
            replaced.ended.notify_one();
        }
        connection
    }

    /// Returns the connection of the machine with this key in the sender's own organisation.
    pub(super) fn find(&self, org_id: &str, public_key: &[u8; 32]) -> Option<Arc<Connection>> {
        self.lock().get(org_id)?.get(public_key).cloned()
    }

    /// Removes a closed connection, but not one that has replaced it.
    pub(super) fn remove(&self, connection: &Arc<Connection>) {
        let Member { org_id, public_key } = &connection.member;
        let mut organisations = self.lock();
        let Some(machines) = organisations.get_mut(org_id) else { return };
        if machines.get(public_key).is_some_and(|current| Arc::ptr_eq(current, connection)) {
            machines.remove(public_key);
        }
        if machines.is_empty() {
            organisations.remove(org_id);
        }
    }

    /// Closes and removes all connections for which `stays` returns false.
    pub(super) fn retain(&self, stays: impl Fn(&TokenReference, &Member) -> bool) {
        let mut organisations = self.lock();
        for machines in organisations.values_mut() {
            machines.retain(|_, connection| {
                let stays = stays(&connection.token, &connection.member);
                if !stays {
                    connection.ended.notify_one();
                }
                stays
            });
        }
        organisations.retain(|_, machines| !machines.is_empty());
    }

    /// Returns the tokens of all connected machines.
    pub(super) fn tokens(&self) -> Vec<TokenReference> {
        let organisations = self.lock();
        organisations.values().flat_map(HashMap::values).map(|connection| connection.token.clone()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().values().map(HashMap::len).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Organisations> {
        self.organisations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn member(org_id: &str, key: u8) -> Member {
        Member { org_id: org_id.to_owned(), public_key: [key; 32] }
    }

    #[test]
    fn machines_have_one_connection_within_their_organisation() {
        let table = ConnectionTable::default();
        let first = table.insert(member("a", 1), TokenReference::to("t1"));
        let foreign = table.insert(member("b", 1), TokenReference::to("t2"));
        assert!(Arc::ptr_eq(&table.find("a", &[1; 32]).unwrap(), &first));
        assert!(table.find("a", &[2; 32]).is_none() && table.find("c", &[1; 32]).is_none());

        let second = table.insert(member("a", 1), TokenReference::to("t3"));
        assert!(first.ended.notified().now_or_never().is_some());
        table.remove(&first);
        assert!(Arc::ptr_eq(&table.find("a", &[1; 32]).unwrap(), &second), "the new one stays");

        table.retain(|token, _| *token != TokenReference::to("t3"));
        assert!(second.ended.notified().now_or_never().is_some());
        assert!(foreign.ended.notified().now_or_never().is_none());
        assert_eq!((table.len(), table.tokens()), (1, vec![TokenReference::to("t2")]));
        table.remove(&second);
        table.remove(&foreign);
        assert!(table.lock().is_empty());
    }
}
