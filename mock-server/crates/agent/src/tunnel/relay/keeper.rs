//! Keeps the connections: to the home, and to the relays of those this machine sends to.

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

use super::home;
use super::identity::Identity;
use super::link::{Link, News};
use crate::control_client::ControlClient;
use crate::tunnel::core::Place;

/// Datagrams that wait in each direction; more are lost.
pub(super) const WAITING: usize = 1024;

/// How often the relays are measured, if there is a choice; sooner if the home is lost.
const MEASURE_EVERY: Duration = Duration::from_secs(300);
const MEASURE_AGAIN: Duration = Duration::from_secs(5);

/// A relay that takes longer is not near.
const MEASURED_WITHIN: Duration = Duration::from_secs(3);

/// A relay that is not the home and that nothing was sent through for so long is left.
const IDLE: Duration = Duration::from_secs(120);

/// What the tunnel wants.
#[derive(Debug)]
pub(super) enum Order {
    /// There are these relays.
    Learn(Vec<RelayView>),
    /// Send this.
    Send {
        /// The relay.
        region: Region,
        /// The addressee.
        to: PublicKey,
        /// What it is sent.
        datagram: Vec<u8>,
    },
}

type Measured = Vec<(Region, Option<Duration>)>;

pub(super) struct Keeper {
    control: Arc<ControlClient>,
    identity: Identity,
    arrived: mpsc::Sender<(Place, Vec<u8>)>,
    settled: watch::Sender<Option<Region>>,
    /// As the map names them.
    named: Vec<RelayView>,
    relays: Vec<(Region, Arc<ControlClient>)>,
    links: HashMap<Region, Kept>,
    /// Where this machine wants to be reached; `settled` says where it is.
    home: Option<Region>,
    news: mpsc::Sender<News>,
    heard: Option<mpsc::Receiver<News>>,
    measuring: BoxFuture<'static, Measured>,
    measure_at: Instant,
}

struct Kept {
    outgoing: mpsc::Sender<(PublicKey, Vec<u8>)>,
    used: Instant,
    connected: bool,
    /// The last that was heard of it: it does not answer, or does not take this machine in.
    away: bool,
    keeping: AbortHandle,
}

impl Keeper {
    pub(super) fn new(
        control: Arc<ControlClient>,
        identity: Identity,
        arrived: mpsc::Sender<(Place, Vec<u8>)>,
        settled: watch::Sender<Option<Region>>,
    ) -> Self {
        let (news, heard) = mpsc::channel(16);
        Self {
            control,
            identity,
            arrived,
            settled,
            named: Vec::new(),
            relays: Vec::new(),
            links: HashMap::new(),
            home: None,
            news,
            heard: Some(heard),
            measuring: std::future::pending().boxed(),
            measure_at: Instant::now() + MEASURE_EVERY,
        }
    }

    /// Runs until nobody can give an order any more.
    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let Some(mut heard) = self.heard.take() else { return };
        let mut sweep = tokio::time::interval(IDLE / 4);
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Learn(relays)) => self.learn(relays),
                    Some(Order::Send { region, to, datagram }) => self.send(region, to, datagram),
                    None => return,
                },
                Some(news) = heard.recv() => self.hear(&news),
                measured = &mut self.measuring => {
                    self.measuring = std::future::pending().boxed();
                    self.move_to(home::choose(self.home, &self.usable(measured)));
                }
                () = sleep_until(self.measure_at) => self.measure(),
                _ = sweep.tick() => self.sweep(),
            }
        }
    }

    fn learn(&mut self, named: Vec<RelayView>) {
        if named == self.named {
            return;
        }
        let encrypted = self.control.server().starts_with("https:");
        let client = |relay: &RelayView| {
            let region = relay.region.parse().ok()?;
            match &relay.url {
                // The machine's token goes there, which is not to be sent in the clear.
                Some(url) if encrypted && !url.starts_with("https:") => {
                    tracing::warn!(%region, "a relay without TLS is not used");
                    None
                }
                None => Some((region, Arc::clone(&self.control))),
                Some(url) => Some((region, Arc::new(ControlClient::new(url.parse().ok()?)))),
            }
        };
        self.relays = named.iter().filter_map(client).collect();
        self.named = named;
        // Where it is has perhaps changed.
        self.links.clear();
        self.measure();
    }

    /// Finds out which relay is near. With one there is nothing to find out.
    fn measure(&mut self) {
        self.measure_at = Instant::now() + MEASURE_EVERY.mul_f64(1.0 + rand::random::<f64>() / 4.0);
        match &self.relays[..] {
            [] => self.move_to(None),
            [(only, _)] => self.move_to(Some(*only)),
            several => {
                let measure = |(region, relay): (Region, Arc<ControlClient>)| async move {
                    let time = timeout(MEASURED_WITHIN, relay.round_trip()).await;
                    (region, time.ok().and_then(Result::ok))
                };
                self.measuring = join_all(several.iter().cloned().map(measure)).boxed();
            }
        }
    }

    /// A relay may be well and yet refuse its machines; as a home it is then worth as little as one that is silent.
    fn usable(&self, mut measured: Measured) -> Measured {
        for (region, time) in &mut measured {
            if self.links.get(region).is_some_and(|kept| kept.away) {
                *time = None;
            }
        }
        measured
    }

    fn move_to(&mut self, home: Option<Region>) {
        self.home = home;
        match home {
            // A link that is up already makes no news of it.
            Some(home) if self.links.get(&home).is_some_and(|kept| kept.connected) => self.settle(home),
            Some(home) => {
                self.link(home);
            }
            None => {
                self.settled.send_if_modified(|settled| settled.take().is_some());
            }
        }
    }

    fn hear(&mut self, news: &News) {
        if let Some(kept) = self.links.get_mut(&news.region) {
            (kept.connected, kept.away) = (news.connected, !news.connected);
        }
        let at_home = self.home == Some(news.region);
        if at_home && news.connected {
            self.settle(news.region);
        } else if at_home && self.relays.len() > 1 {
            // Another is perhaps there.
            self.measure_at = self.measure_at.min(Instant::now() + MEASURE_AGAIN);
        }
    }

    fn settle(&self, home: Region) {
        self.settled.send_if_modified(|settled| settled.replace(home) != Some(home));
    }

    fn send(&mut self, region: Region, to: PublicKey, datagram: Vec<u8>) {
        if let Some(kept) = self.link(region) {
            kept.used = Instant::now();
            let _ = kept.outgoing.try_send((to, datagram));
        }
    }

    /// The link to the relay in `region`, made if there is none; nothing if there is no such relay.
    fn link(&mut self, region: Region) -> Option<&mut Kept> {
        let Self { relays, links, identity, arrived, news, .. } = self;
        let (_, relay) = relays.iter().find(|(named, _)| *named == region)?;
        Some(links.entry(region).or_insert_with(|| {
            let (outgoing, waiting) = mpsc::channel(WAITING);
            let link = Link {
                region,
                relay: Arc::clone(relay),
                identity: identity.clone(),
                outgoing: waiting,
                arrived: arrived.clone(),
                news: news.clone(),
            };
            let keeping = tokio::spawn(link.keep()).abort_handle();
            Kept { outgoing, used: Instant::now(), connected: false, away: false, keeping }
        }))
    }

    fn sweep(&mut self) {
        let Self { links, home, .. } = self;
        links.retain(|region, kept| Some(*region) == *home || kept.used.elapsed() < IDLE);
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.keeping.abort();
    }
}

#[cfg(test)]
mod tests {
    use boringtun::x25519::StaticSecret;

    use super::*;

    #[tokio::test]
    async fn a_home_that_refuses_this_machine_is_left_though_it_is_the_nearest() {
        let client = || Arc::new(ControlClient::new("http://127.0.0.1:9".parse().unwrap()));
        let [near, far]: [Region; 2] = ["blr1", "fra1"].map(|code| code.parse().unwrap());
        let identity = Identity {
            token: serde_json::from_str("\"ztm_test\"").unwrap(),
            private: StaticSecret::from([1; 32]),
        };
        let (arrived, _received) = mpsc::channel(1);
        let mut keeper = Keeper::new(client(), identity, arrived, watch::channel(None).0);
        keeper.relays = [near, far].map(|region| (region, client())).into();
        let times = [(near, 5), (far, 50)];
        let measured = || times.map(|(region, time)| (region, Some(Duration::from_millis(time)))).to_vec();

        keeper.move_to(home::choose(None, &keeper.usable(measured())));
        assert_eq!(keeper.home, Some(near), "nothing is known of it yet");
        keeper.hear(&News { region: near, connected: false });
        assert!(keeper.measure_at <= Instant::now() + MEASURE_AGAIN);
        keeper.move_to(home::choose(keeper.home, &keeper.usable(measured())));
        assert_eq!(keeper.home, Some(far));
        keeper.hear(&News { region: near, connected: true });
        assert_eq!(home::choose(keeper.home, &keeper.usable(measured())), Some(near), "it has come round");
    }
}
