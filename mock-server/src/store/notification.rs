//! Notifies listeners after commits that changed an organisation's network map.
//!
//! Other processes hear of them through PostgreSQL alone and may miss some, so listeners must also poll the database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// One channel for each organisation that has listeners.
#[derive(Clone, Default)]
pub(super) struct Notifications {
    channels: Arc<Mutex<HashMap<String, Channel>>>,
}

struct Channel {
    sender: watch::Sender<()>,
    listeners: usize,
}

/// Receives changes of one organisation's map from its creation on.
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

    /// Notifies all listeners, as after a time in which changes could be missed.
    pub(super) fn notify_all(&self) {
        for channel in self.lock().values() {
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
    /// Waits for a change since the last return, or since creation.
    pub async fn changed(&mut self) {
        if self.receiver.changed().await.is_err() {
            // Unreachable: the sender outlives its listeners.
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
    fn listeners_receive_their_organisation_and_channels_are_dropped_with_them() {
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
