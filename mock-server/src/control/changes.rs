//! Says when the lists of an organisation are worth reading again, with long polling.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::access::{self, Caller, Permission};
use super::polls::LongPolls;
use super::{Clock, ControlError};
use crate::domain::scope::Resource;
use crate::store::{Store, StoreError, Tx, audit_logs, network_map};

/// Dependencies of a long poll.
pub struct ChangePoll<'a> {
    pub store: &'a Store,
    pub polls: &'a LongPolls,
    pub clock: &'a Clock,
    /// How often to read the database again without being notified.
    pub interval: Duration,
    /// Turns true when the server stops.
    pub stopping: watch::Receiver<bool>,
}

impl ChangePoll<'_> {
    /// Returns the organisation's version. If that is `known`, waits for another one until `wait` has passed, newer
    /// requests of the same caller displace this one, or the server stops. Holds no transaction while waiting.
    ///
    /// # Errors
    /// 403 FORBIDDEN or INSUFFICIENT_SCOPE for callers who may not list the organisation's machines.
    pub async fn run(
        mut self,
        caller: &Caller,
        org_id: &str,
        known: Option<&str>,
        wait: Duration,
    ) -> Result<String, ControlError> {
        let end = Instant::now() + wait;
        let mut version = self.read(caller, org_id).await?;
        if known != Some(version.as_str()) {
            return Ok(version);
        }
        // Listen before the next read, so that no change is missed in between.
        let mut listener = self.store.listen(org_id);
        let mut poll = self.polls.add(caller.id());
        loop {
            version = self.read(caller, org_id).await?;
            if known != Some(version.as_str()) || Instant::now() >= end {
                return Ok(version);
            }
            tokio::select! {
            () = listener.changed() => {}
            () = sleep_until(end.min(Instant::now() + self.interval)) => {}
            () = poll.displaced() => return Ok(version),
            _ = self.stopping.wait_for(|stopping| *stopping) => return Ok(version),
            }
        }
    }

    /// Authorises with every read: a demoted caller learns nothing more.
    async fn read(&self, caller: &Caller, org_id: &str) -> Result<String, ControlError> {
        let (caller, org_id, now) = (caller.clone(), org_id.to_owned(), self.clock.now());
        let read = self.store.read(move |tx| {
            access::require(tx, &caller, &org_id, Permission::Read(Resource::Machines), now)?;
            Ok::<_, ControlError>(version(tx, &org_id)?)
        });
        read.await
    }
}

/// Returns a text that changes with every change that peers see, such as machines that come and go, and with every audited
/// one, such as new keys. It reveals neither.
fn version(tx: &mut Tx<'_>, org_id: &str) -> Result<String, StoreError> {
    let map = network_map::version_range(tx, org_id)?.version;
    let newest = audit_logs::newest(tx, org_id)?;
    let digest = Sha256::digest(format!("{org_id} {map} {newest:?}"));
    Ok(hex::encode(&digest[..8]))
}
