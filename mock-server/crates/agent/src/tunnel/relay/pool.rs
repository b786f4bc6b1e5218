//! The connections to relays: the home relay, and the relays of peers that this machine sends to.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use boringtun::x25519::PublicKey;
use futures::future::{BoxFuture, FutureExt as _, join_all};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until, timeout};
use ztna_protocol::network_map::RelayView;
use ztna_protocol::region::Region;

use super::address;
use super::datagram::{OutgoingDatagram, RelayedDatagram};
use super::home::{self, Measurement};
use super::identity::Identity;
use super::link::{Link, LinkChange};
use crate::control_client::ControlClient;

/// Number of datagrams queued in each direction; further ones are dropped.
pub(super) const QUEUE_LEN: usize = 1024;

/// Interval of measuring the relays.
const MEASURE_INTERVAL: Duration = Duration::from_secs(300);

/// Delay before measuring again after the home relay is lost.
const MEASURE_AFTER_LOSS: Duration = Duration::from_secs(5);

/// Upper bound of the number of relays that are measured and used.
const MAX_RELAYS: usize = 64;

/// Time limit of one measurement.
const MEASURE_TIMEOUT: Duration = Duration::from_secs(3);

/// A relay other than the home is disconnected after this time without use.
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);

/// A command from the tunnel.
#[derive(Debug)]
pub(super) enum RelayCommand {
    /// Sets the relays of the network map.
    SetRelays(Vec<RelayView>),
    /// Sends a datagram through a relay.
    Send { region: Region, to: PublicKey, datagram: Vec<u8> },
}

/// Selects the home relay and keeps the links to relays.
pub(super) struct RelayPool {
    control: Arc<ControlClient>,
    identity: Identity,
    inbound: mpsc::Sender<RelayedDatagram>,
    connected_home: watch::Sender<Option<Region>>,
    /// As in the network map.
    map_relays: Vec<RelayView>,
    relays: Vec<(Region, Arc<ControlClient>)>,
    links: HashMap<Region, ManagedLink>,
    /// The selected home; `connected_home` holds the one that is connected.
    home: Option<Region>,
    changes: mpsc::Sender<LinkChange>,
    changes_received: Option<mpsc::Receiver<LinkChange>>,
    measuring: BoxFuture<'static, Vec<Measurement>>,
    measure_at: Instant,
}

struct ManagedLink {
    outgoing: mpsc::Sender<OutgoingDatagram>,
    used: Instant,
    connected: bool,
    /// Whether the last attempt failed: the relay does not answer or refuses this machine.
    failed: bool,
    task: AbortHandle,
}

impl RelayPool {
    pub(super) fn new(
        control: Arc<ControlClient>,
        identity: Identity,
        inbound: mpsc::Sender<RelayedDatagram>,
        connected_home: watch::Sender<Option<Region>>,
    ) -> Self {
        let (changes, changes_received) = mpsc::channel(16);
        Self {
            control,
            identity,
            inbound,
            connected_home,
            map_relays: Vec::new(),
            relays: Vec::new(),
            links: HashMap::new(),
            home: None,
            changes,
            changes_received: Some(changes_received),
            measuring: std::future::pending().boxed(),
            measure_at: Instant::now() + MEASURE_INTERVAL,
        }
    }

    /// Runs until the command channel is closed.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<RelayCommand>) {
        let Some(mut changes_received) = self.changes_received.take() else { return };
        let mut idle_check = tokio::time::interval(IDLE_TIMEOUT / 4);
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(RelayCommand::SetRelays(relays)) => self.set_relays(relays),
                    Some(RelayCommand::Send { region, to, datagram }) => self.send(region, to, datagram),
                    None => return,
                },
                Some(change) = changes_received.recv() => self.on_link_change(&change),
                measured = &mut self.measuring => {
                    self.measuring = std::future::pending().boxed();
                    self.set_home(home::choose(self.home, &self.discard_failed(measured)));
                }
                () = sleep_until(self.measure_at) => self.measure(),
                _ = idle_check.tick() => self.drop_idle_links(),
            }
        }
    }

    fn set_relays(&mut self, map_relays: Vec<RelayView>) {
        if map_relays == self.map_relays {
            return;
        }
        let encrypted = self.control.server().starts_with("https:");
        self.relays.clear();
        for relay in map_relays.iter().take(MAX_RELAYS) {
            let Ok(region) = relay.region.parse() else { continue };
            let client = match &relay.url {
                None => Arc::clone(&self.control),
                Some(url) => match address::relay_url(url, encrypted) {
                    Ok(url) => Arc::new(ControlClient::new(url)),
                    Err(reason) => {
                        tracing::warn!(%region, %reason, "ignoring a relay");
                        continue;
                    }
                },
            };
            if self.relays.iter().all(|(known, _)| *known != region) {
                self.relays.push((region, client));
            }
        }
        self.map_relays = map_relays;
        // The relays' addresses may have changed.
        self.links.clear();
        self.measure();
    }

    /// Starts measuring the relays, unless there is only one.
    fn measure(&mut self) {
        self.measure_at = Instant::now() + MEASURE_INTERVAL.mul_f64(1.0 + rand::random::<f64>() / 4.0);
        match &self.relays[..] {
            [] => self.set_home(None),
            [(only, _)] => self.set_home(Some(*only)),
            several => {
                let measure = |(region, relay): (Region, Arc<ControlClient>)| async move {
                    let time = timeout(MEASURE_TIMEOUT, relay.round_trip()).await;
                    Measurement { region, round_trip: time.ok().and_then(Result::ok) }
                };
                self.measuring = join_all(several.iter().cloned().map(measure)).boxed();
            }
        }
    }

    /// Discards the measurements of relays whose link has failed: a relay may answer measurements and yet refuse this
    /// machine.
    fn discard_failed(&self, mut measured: Vec<Measurement>) -> Vec<Measurement> {
        for Measurement { region, round_trip } in &mut measured {
            if self.links.get(region).is_some_and(|link| link.failed) {
                *round_trip = None;
            }
        }
        measured
    }

    fn set_home(&mut self, home: Option<Region>) {
        self.home = home;
        match home {
            // An established link reports no change.
            Some(home) if self.links.get(&home).is_some_and(|link| link.connected) => {
                self.announce_home(home);
            }
            Some(home) => {
                self.link(home);
            }
            None => {
                self.connected_home.send_if_modified(|connected_home| connected_home.take().is_some());
            }
        }
    }

    fn on_link_change(&mut self, change: &LinkChange) {
        if let Some(link) = self.links.get_mut(&change.region) {
            (link.connected, link.failed) = (change.connected, !change.connected);
        }
        let at_home = self.home == Some(change.region);
        if at_home && change.connected {
            self.announce_home(change.region);
        } else if at_home && self.relays.len() > 1 {
            // Another relay may be available.
            self.measure_at = self.measure_at.min(Instant::now() + MEASURE_AFTER_LOSS);
        }
    }

    fn announce_home(&self, home: Region) {
        self.connected_home.send_if_modified(|connected_home| connected_home.replace(home) != Some(home));
    }

    fn send(&mut self, region: Region, to: PublicKey, datagram: Vec<u8>) {
        if let Some(link) = self.link(region) {
            link.used = Instant::now();
            let _ = link.outgoing.try_send(OutgoingDatagram { to, bytes: datagram });
        }
    }

    /// Returns the link to the relay in `region`, created if needed; `None` if there is no such relay.
    fn link(&mut self, region: Region) -> Option<&mut ManagedLink> {
        let Self { relays, links, identity, inbound, changes, .. } = self;
        let (_, relay) = relays.iter().find(|(named, _)| *named == region)?;
        Some(links.entry(region).or_insert_with(|| {
            let (outgoing, waiting) = mpsc::channel(QUEUE_LEN);
            let link = Link {
                region,
                relay: Arc::clone(relay),
                identity: identity.clone(),
                outgoing: waiting,
                inbound: inbound.clone(),
                changes: changes.clone(),
            };
            let task = tokio::spawn(link.run()).abort_handle();
            ManagedLink { outgoing, used: Instant::now(), connected: false, failed: false, task }
        }))
    }

    fn drop_idle_links(&mut self) {
        let Self { links, home, .. } = self;
        links.retain(|region, link| Some(*region) == *home || link.used.elapsed() < IDLE_TIMEOUT);
    }
}

impl Drop for ManagedLink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use boringtun::x25519::StaticSecret;

    use super::*;

    #[tokio::test]
    async fn home_that_refuses_this_machine_is_left() {
        let client = || Arc::new(ControlClient::new("http://127.0.0.1:9".parse().unwrap()));
        let [near, far]: [Region; 2] = ["blr1", "fra1"].map(|code| code.parse().unwrap());
        let identity = Identity {
            token: serde_json::from_str("\"ztm_test\"").unwrap(),
            private: StaticSecret::from([1; 32]),
        };
        let (inbound, _received) = mpsc::channel(1);
        let mut pool = RelayPool::new(client(), identity, inbound, watch::channel(None).0);
        pool.relays = [near, far].map(|region| (region, client())).into();
        let times = [(near, 5), (far, 50)];
        let measured = || {
            times
                .map(|(region, time)| Measurement { region, round_trip: Some(Duration::from_millis(time)) })
                .to_vec()
        };

        pool.set_home(home::choose(None, &pool.discard_failed(measured())));
        assert_eq!(pool.home, Some(near), "no link has failed yet");
        pool.on_link_change(&LinkChange { region: near, connected: false });
        assert!(pool.measure_at <= Instant::now() + MEASURE_AFTER_LOSS);
        pool.set_home(home::choose(pool.home, &pool.discard_failed(measured())));
        assert_eq!(pool.home, Some(far));
        pool.on_link_change(&LinkChange { region: near, connected: true });
        assert_eq!(
            home::choose(pool.home, &pool.discard_failed(measured())),
            Some(near),
            "the link works again"
        );
    }
}
