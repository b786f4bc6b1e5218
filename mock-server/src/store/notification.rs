//! Tells those who wait that an organisation's network map changed, after the commit that changed it.
//!
//! A hint and no more: it does not reach other processes, so whoever waits looks at the database again from time to time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The organisations that someone listens to, and nothing about others.
#[derive(Clone, Default)]
pub(super) struct Notifications {
    channels: Arc<Mutex<HashMap<String, Channel>>>,
}

struct Channel {
    sender: watch::Sender<()>,
    listeners: usize,
}

/// Hears of changes of one organisation's map from the moment it was made.
pub struct Listener {
    org_id: String,
    receiver: watch::Receiver<()>,
    notifications: Notifications,
}

impl Notifications {
    pub(super) fn notify(&self, org_id: &str) {
        if let Some(channel) = self.lock().get(org_id) {
            channel.sender.send_replace(());
        }
    }

    pub(super) fn listen(&self, org_id: &str) -> Listener {
        let mut channels = self.lock();
        let new = || Channel { sender: watch::Sender::new(()), listeners: 0 };
        let channel = channels.entry(org_id.to_owned()).or_insert_with(new);
        channel.listeners += 1;
        let receiver = channel.sender.subscribe();
        Listener { org_id: org_id.to_owned(), receiver, notifications: self.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Channel>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// Returns once the map changed after the last return, or since the beginning.
    pub async fn changed(&mut self) {
        if self.receiver.changed().await.is_err() {
            // The sender outlives its listeners; without one there is nothing to hear.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut channels = self.notifications.lock();
        if let Some(channel) = channels.get_mut(&self.org_id) {
            channel.listeners -= 1;
            if channel.listeners == 0 {
                channels.remove(&self.org_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn each_hears_of_its_own_organisation_and_nothing_is_kept_of_those_who_left() {
        let notifications = Notifications::default();
        let (mut a, mut also_a) = (notifications.listen("a"), notifications.listen("a"));
        let mut b = notifications.listen("b");
        notifications.notify("a");
        notifications.notify("a");
        notifications.notify("nobody");
        for (heard, expected) in [
            (a.changed().now_or_never(), Some(())),
            (a.changed().now_or_never(), None),
            (also_a.changed().now_or_never(), Some(())),
            (b.changed().now_or_never(), None),
            (notifications.listen("a").changed().now_or_never(), None),
        ] {
            assert_eq!(heard, expected);
        }
        drop((a, b));
        notifications.notify("a");
        assert_eq!(also_a.changed().now_or_never(), Some(()));
        drop(also_a);
        assert!(notifications.lock().is_empty());
    }
}
