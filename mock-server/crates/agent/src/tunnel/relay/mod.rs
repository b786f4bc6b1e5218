//! The relays, as this machine uses them: connected to the nearest, its home, where others reach it; and to the homes of
//! those it speaks to while it does.
//!
//! Datagrams are lost while a relay is away, as on any network; nothing that is direct notices.

mod home;
mod identity;
mod keeper;
mod link;

use std::sync::Arc;

use boringtun::x25519::PublicKey;
use tokio::sync::{mpsc, watch};
use ztna_protocol::network_map::RelayView;
use ztna_protocol::region::Region;

use super::core::Place;
use crate::control_client::ControlClient;
pub(super) use identity::Identity;
use keeper::{Keeper, Order, WAITING};

/// The relays at the disposal of one tunnel; it leaves them when this is dropped.
pub(super) struct Relays {
    orders: mpsc::Sender<Order>,
    received: mpsc::Receiver<(Place, Vec<u8>)>,
    home: watch::Receiver<Option<Region>>,
}

impl Relays {
    /// No relay is known yet. `control` is the one of a region that names no other address.
    pub(super) fn open(control: Arc<ControlClient>, identity: Identity) -> Self {
        let (orders, ordered) = mpsc::channel(WAITING);
        let (arrived, received) = mpsc::channel(WAITING);
        let (settled, home) = watch::channel(None);
        tokio::spawn(Keeper::new(control, identity, arrived, settled).run(ordered));
        Self { orders, received, home }
    }

    /// The region this machine is reached at, once it is.
    pub(super) fn home(&self) -> watch::Receiver<Option<Region>> {
        self.home.clone()
    }

    /// The network map names these relays.
    pub(super) fn learn(&self, relays: Vec<RelayView>) {
        // Every answer repeats them.
        let _ = self.orders.try_send(Order::Learn(relays));
    }

    /// Sends a datagram through the relay in `region`, if it is there.
    pub(super) fn send(&self, region: Region, to: PublicKey, datagram: &[u8]) {
        let _ = self.orders.try_send(Order::Send { region, to, datagram: datagram.to_vec() });
    }

    /// The next datagram that came through a relay, once there is one.
    pub(super) async fn received(&mut self) -> (Place, Vec<u8>) {
        match self.received.recv().await {
            Some(arrived) => arrived,
            // Its sender lives as long as the orders' receiver, which ends with this.
            None => std::future::pending().await,
        }
    }

    /// One more, if it is there already.
    pub(super) fn try_received(&mut self) -> Option<(Place, Vec<u8>)> {
        self.received.try_recv().ok()
    }
}
