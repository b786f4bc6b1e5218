//! What waiting for changes costs, counted, and what ends it.

use std::time::Duration;

use futures::future::{join_all, try_join_all};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use ztna_protocol::machine_token::TokenReference;

use super::long_poll::{Begun, WaitingPoll};
use super::*;
use crate::control::polls::LongPolls;
use crate::control::{Clock, ControlError};
use crate::domain::machine::Status;
use crate::domain::{Refusal, Timestamp};
use crate::store::machines::{self, Machine};
use crate::store::{Location, Store, StoreError, organisations};
use crate::values;

const NOW: Timestamp = Timestamp::from_millis(1_000);
const HOUR: Duration = Duration::from_secs(3600);
const DEADLINE: Duration = Duration::from_secs(20);
const AGENTS: usize = 100;

struct Plane {
    store: Store,
    polls: LongPolls,
    maps: MapCache,
    watches: MapWatches,
    stopping: watch::Sender<bool>,
    interval: Duration,
}

fn machine(number: usize) -> Machine {
    Machine {
        id: format!("id-{number}"),
        org_id: "o".to_owned(),
        name: format!("machine-{number}"),
        tailnet_ip: format!("100.64.0.{number}"),
        status: Status::Online,
        tags: Vec::new(),
        ephemeral: false,
        public_key: format!("key-{number}"),
        endpoints: Vec::new(),
        relay: None,
        logged_in: true,
        auth_key_id: None,
        enrolled_by: None,
        os: None,
        version: None,
        created_at: NOW,
        last_seen: NOW,
    }
}

fn token(number: usize) -> TokenReference {
    TokenReference { hash: format!("token-{number}"), machine_id: Some(machine(number).id) }
}

fn asked(since: i64, wait: Duration) -> MapRequest {
    MapRequest { since, wait, applies_rules: true }
}

impl Plane {
    /// An organisation with machines 1 to [`AGENTS`].
    async fn new(interval: Duration) -> Self {
        let plane = Self {
            store: Store::open(&Location::Memory).unwrap(),
            polls: LongPolls::default(),
            maps: MapCache::default(),
            watches: MapWatches::default(),
            stopping: watch::Sender::new(false),
            interval,
        };
        let created = plane.store.write(|tx| {
            organisations::insert(tx, "o", "O", 1_000, NOW)?;
            (1..=AGENTS)
                .try_for_each(|number| machines::insert(tx, &machine(number), &token(number).hash, None))
        });
        created.await.unwrap();
        plane
    }

    fn poll(&self) -> LongPoll {
        LongPoll {
            store: self.store.clone(),
            clock: Clock::system(),
            polls: self.polls.clone(),
            maps: self.maps.clone(),
            watches: self.watches.clone(),
            interval: self.interval,
            stopping: self.stopping.subscribe(),
        }
    }

    async fn begin(&self, number: usize, since: i64, wait: Duration) -> Result<Begun, ControlError> {
        self.poll().begin(token(number), asked(since, wait)).await
    }

    async fn answered(&self, number: usize, since: i64) -> NetworkMap {
        match self.begin(number, since, Duration::ZERO).await.unwrap() {
            Begun::Answered(map) => map,
            Begun::Waits(_) => panic!("waits for nothing"),
        }
    }

    async fn waiting(&self, number: usize, since: i64) -> Box<WaitingPoll> {
        match self.begin(number, since, HOUR).await.unwrap() {
            Begun::Answered(map) => panic!("{map:?}"),
            Begun::Waits(waiting) => waiting,
        }
    }

    /// Requests of all machines that wait.
    async fn all_waiting(&self, since: i64) -> JoinSet<Result<NetworkMap, ControlError>> {
        let waiting = join_all((1..=AGENTS).map(|number| self.waiting(number, since))).await;
        let waiting = waiting.into_iter().map(async |mut waiting| waiting.run().await).collect();
        // Each has subscribed, and the one look at the beginning is over.
        let reads = self.maps.work().reads;
        self.eventually(|| self.maps.work().reads > reads).await;
        waiting
    }

    async fn insert(&self, number: usize) {
        self.store
            .write(move |tx| machines::insert(tx, &machine(number), &token(number).hash, None))
            .await
            .unwrap();
    }

    async fn update(&self, before: &Machine, after: &Machine) {
        let (before, after) = (before.clone(), after.clone());
        self.store.write(move |tx| machines::update(tx, &before, &after)).await.unwrap();
    }

    async fn eventually(&self, fact: impl Fn() -> bool) {
        let waiting = async {
            while !fact() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.expect("the fact in time");
    }
}

fn spawn(mut waiting: Box<WaitingPoll>) -> JoinHandle<Result<NetworkMap, ControlError>> {
    tokio::spawn(async move { waiting.run().await })
}

async fn heard(poll: impl Future<Output = Result<NetworkMap, ControlError>>) -> Result<NetworkMap, Refusal> {
    match tokio::time::timeout(DEADLINE, poll).await.expect("an answer in time") {
        Ok(map) => Ok(map),
        Err(ControlError::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_change_is_read_and_serialised_once_for_all_that_wait() {
    let plane = Plane::new(HOUR).await;
    let version = plane.answered(1, 0).await.version;
    let waiting = plane.all_waiting(version).await;
    let before = plane.maps.work();
    plane.insert(AGENTS + 1).await;
    let maps = tokio::time::timeout(DEADLINE, waiting.join_all()).await.unwrap();
    let after = plane.maps.work();
    assert_eq!((after.reads - before.reads, after.serialised - before.serialised), (1, 1));
    let maps: Vec<NetworkMap> = maps.into_iter().map(Result::unwrap).collect();
    assert!(maps.iter().all(|map| map.version == version + 1 && !map.full));
    assert!(maps.iter().all(|map| std::sync::Arc::ptr_eq(&map.changes, &maps[0].changes)), "one memory");
}

#[tokio::test]
async fn whole_maps_that_are_asked_for_at_once_are_read_once() {
    let plane = Plane::new(HOUR).await;
    let asked = (1..=AGENTS).map(|number| plane.begin(number, 0, HOUR));
    let begun = try_join_all(asked).await.unwrap();
    let work = plane.maps.work();
    // Each token, and one map.
    assert_eq!((work.reads, work.serialised), (u64::try_from(AGENTS).unwrap() + 1, 1));
    for (begun, number) in begun.into_iter().zip(1..) {
        let Begun::Answered(map) = begun else { panic!("waits for nothing") };
        assert!(map.full && map.own.id == format!("id-{number}") && map.changes.mention(&map.own.id));
    }
}

#[tokio::test]
async fn one_look_at_the_database_serves_all_that_wait() {
    let plane = Plane::new(Duration::from_millis(20)).await;
    let version = plane.answered(1, 0).await.version;
    let waiting = plane.all_waiting(version).await;
    let (before, began) = (plane.maps.work().reads, std::time::Instant::now());
    plane.eventually(|| plane.maps.work().reads >= before + 10).await;
    assert!(began.elapsed() >= Duration::from_millis(9 * 20), "{:?}", began.elapsed());
    drop(waiting);
}

#[tokio::test]
async fn a_machine_whose_token_ends_hears_it_whatever_its_peers_see() {
    let plane = Plane::new(HOUR).await;
    let version = plane.answered(1, 0).await.version;
    for (number, end) in [(1, "replaced"), (2, "quarantined"), (3, "deleted"), (4, "logged out")] {
        let known = plane.answered(number, version).await.version;
        let polling = spawn(plane.waiting(number, known).await);
        let ended = plane.store.write(move |tx| {
            let before = machine(number);
            let mut after = before.clone();
            match end {
                // The same machine with the same key: its peers see no difference.
                "replaced" => return machines::replace(tx, &before, &after, "another token", None),
                "deleted" => return machines::delete(tx, &before, NOW),
                "quarantined" => after.status = Status::Quarantined,
                _ => after.logged_in = false,
            }
            machines::update(tx, &before, &after)
        });
        ended.await.unwrap();
        let told = heard(async { polling.await.unwrap() }).await.unwrap_err();
        let expected = if end == "quarantined" { "QUARANTINED" } else { "UNAUTHORIZED" };
        assert_eq!(told.code().as_str(), expected, "{end}");
    }
}

#[tokio::test]
async fn a_machine_that_changes_itself_goes_on_waiting() {
    let plane = Plane::new(HOUR).await;
    let version = plane.answered(1, 0).await.version;
    let mut polling = spawn(plane.waiting(1, version).await);
    let changed = plane.store.write(|tx| {
        let after = Machine { endpoints: vec!["10.0.0.1:1".to_owned()], ..machine(1) };
        machines::update(tx, &machine(1), &after)
    });
    changed.await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut polling).await.is_err());
    plane.insert(AGENTS + 1).await;
    let told = heard(async { polling.await.unwrap() }).await.unwrap();
    assert_eq!(told.version, version + 2);
}

/// Its tags change, it is read, and then it changes otherwise before what has changed is read.
#[tokio::test]
async fn a_machine_hears_its_tags_whatever_changes_while_it_asks() {
    let plane = Plane::new(HOUR).await;
    let since = plane.answered(1, 0).await.version;
    let tagged = Machine { tags: vec!["web".to_owned()], ..machine(1) };
    plane.update(&machine(1), &tagged).await;
    let admitted = plane.maps.admit(&plane.store, &token(1)).await.unwrap();
    plane.update(&tagged, &Machine { endpoints: vec!["192.0.2.1:7".to_owned()], ..tagged.clone() }).await;
    match plane.poll().begin_admitted(admitted, token(1), asked(since, HOUR)).await.unwrap() {
        Begun::Answered(map) => assert_eq!(map.own.tags, ["web"]),
        Begun::Waits(_) => panic!("it does not know its tags"),
    }
}

#[tokio::test]
async fn a_restored_older_database_leads_to_the_whole_map() {
    let plane = Plane::new(Duration::from_millis(10)).await;
    let version = plane.answered(1, 0).await.version;
    let polling = spawn(plane.waiting(1, version).await);
    let reads = plane.maps.work().reads;
    plane.eventually(|| plane.maps.work().reads > reads).await;
    let restored = plane.store.write(|tx| tx.execute("UPDATE network_maps SET version = version - 5", &[]));
    restored.await.unwrap();
    let told = heard(async { polling.await.unwrap() }).await.unwrap();
    assert!(told.full && told.version == version - 5, "{told:?}");
    // As after a restart of the control plane.
    assert!(plane.answered(1, version).await.full);
}

#[tokio::test]
async fn a_request_that_cannot_know_says_so_at_its_end() {
    let plane = Plane::new(Duration::from_millis(10)).await;
    let version = plane.answered(1, 0).await.version;
    let begun = plane.begin(1, version, Duration::from_millis(300)).await.unwrap();
    let Begun::Waits(waiting) = begun else { panic!("answered at once") };
    let polling = spawn(waiting);
    let lost = plane.store.write(|tx| tx.execute("DELETE FROM network_maps WHERE org_id = ?1", values!["o"]));
    lost.await.unwrap();
    let told = tokio::time::timeout(DEADLINE, polling).await.unwrap().unwrap();
    assert!(matches!(told, Err(ControlError::Store(StoreError::Corrupt { .. }))), "{told:?}");
}

#[tokio::test]
async fn waiting_takes_little_memory_and_leaves_none() {
    let plane = Plane::new(HOUR).await;
    let version = plane.answered(1, 0).await.version;
    let waiting = plane.poll().run(token(1), asked(version, HOUR));
    let size = size_of_val(&waiting) + size_of::<WaitingPoll>();
    assert!(size <= 1800, "{size}");
    drop(tokio::time::timeout(Duration::from_millis(50), waiting).await);
    assert!(plane.watches.is_empty());
}
