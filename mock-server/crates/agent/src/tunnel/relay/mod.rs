//! Use of relays: this machine stays connected to the nearest one, its home, where others reach it, and to the homes of
//! the peers that it is communicating with.
//!
//! Datagrams are lost during an outage of a relay; direct paths are not affected.

mod address;
mod datagram;
mod home;
mod identity;
mod link;
mod pool;

use std::sync::Arc;

use boringtun::x25519::PublicKey;
use tokio::sync::{mpsc, watch};
use ztna_protocol::network_map::RelayView;
use ztna_protocol::region::Region;

use crate::control_client::ControlClient;
pub(super) use datagram::RelayedDatagram;
pub(super) use identity::Identity;
use pool::{QUEUE_LEN, RelayCommand, RelayPool};

/// The relays of one tunnel, disconnected on drop.
pub(super) struct Relays {
    commands: mpsc::Sender<RelayCommand>,
    received: mpsc::Receiver<RelayedDatagram>,
    home: watch::Receiver<Option<Region>>,
}

impl Relays {
    /// Starts without relays. `control` serves the region that has no address of its own.
    pub(super) fn open(control: Arc<ControlClient>, identity: Identity) -> Self {
        let (commands, command_receiver) = mpsc::channel(QUEUE_LEN);
        let (inbound, received) = mpsc::channel(QUEUE_LEN);
        let (connected_home, home) = watch::channel(None);
        tokio::spawn(RelayPool::new(control, identity, inbound, connected_home).run(command_receiver));
        Self { commands, received, home }
    }

    /// Returns the region of the connected home relay.
    pub(super) fn home(&self) -> watch::Receiver<Option<Region>> {
        self.home.clone()
    }

    /// Sets the relays of the network map.
    pub(super) fn set_relays(&self, relays: Vec<RelayView>) {
        // Lost if the queue is full; every answer of the control plane repeats them.
        let _ = self.commands.try_send(RelayCommand::SetRelays(relays));
    }

    /// Sends a datagram through the relay in `region`, if it is connected.
    pub(super) fn send(&self, region: Region, to: PublicKey, datagram: &[u8]) {
        let _ = self.commands.try_send(RelayCommand::Send { region, to, datagram: datagram.to_vec() });
    }

    /// Waits for the next datagram from a relay.
    pub(super) async fn received(&mut self) -> RelayedDatagram {
        match self.received.recv().await {
            Some(datagram) => datagram,
            // The sender lives as long as the pool, which ends when this value is dropped.
            None => std::future::pending().await,
        }
    }

    /// Returns the next datagram from a relay if there is one already.
    pub(super) fn try_received(&mut self) -> Option<RelayedDatagram> {
        self.received.try_recv().ok()
    }
}
