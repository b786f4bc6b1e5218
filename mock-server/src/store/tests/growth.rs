//! What a registration, a heartbeat and a page cost among many machines, in instructions of SQLite's virtual machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ztna_protocol::machine_token::TokenReference;

use super::NOW;
use crate::control::enrol::{self, Candidate};
use crate::control::heartbeat::{self, Heartbeat};
use crate::control::{ControlError, Random};
use crate::domain::filter::{AUDIT_LOGS, MACHINES, Query, Table};
use crate::domain::key::material::{Material, sha256};
use crate::store::auth_keys::{self, NewAuthKey};
use crate::store::health::Health;
use crate::store::tx::Connection;
use crate::store::{Tx, migration, organisations, rows};

const FEW: u32 = 20;
/// Each cost is at most 664 instructions among few: even one more for each of these machines would be noticed.
const MANY: u32 = 500;

struct Plane {
    connection: rusqlite::Connection,
    health: Health,
    instructions: Arc<AtomicU64>,
    random: Random,
    key: Material,
}

impl Plane {
    fn new() -> Self {
        let mut connection = migration::in_memory().unwrap();
        connection.pragma_update(None, "foreign_keys", true).unwrap();
        let instructions: Arc<AtomicU64> = Arc::default();
        let counted = Arc::clone(&instructions);
        let count = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            false
        };
        connection.progress_handler(1, Some(count)).unwrap();
        let random = Random::seeded(1);
        let key = Material::auth_key(random.bytes());
        let plane = Self { connection, health: Health::in_memory(), instructions, random, key };
        plane.run(|tx| {
            organisations::insert(tx, "o", "O", 1_000_000, NOW)?;
            let row = NewAuthKey {
                id: "k",
                org_id: "o",
                name: "k",
                key_hash: &plane.key.hash,
                key_prefix: &plane.key.prefix,
                reusable: true,
                ephemeral: false,
                expires_at: NOW.plus(std::time::Duration::from_secs(60)),
                allowed_tags: None,
                allowed_cidrs: None,
                tags: None,
                description: None,
                created_by: "u",
                api_key_id: None,
            };
            Ok(auth_keys::insert(tx, &row, NOW)?)
        });
        plane
    }

    /// Returns what the job returns, and how many instructions it took.
    fn run<T>(&self, job: impl FnOnce(&mut Tx<'_>) -> Result<T, ControlError>) -> (T, u64) {
        let before = self.instructions.load(Ordering::Relaxed);
        let mut tx = Tx::new(Connection::Sqlite(&self.connection), true, &self.health);
        let done = job(&mut tx).unwrap();
        (done, self.instructions.load(Ordering::Relaxed) - before)
    }

    fn register(&self, n: u32) -> (Material, u64) {
        let candidate = Candidate {
            name: format!("machine-{n}"),
            public_key: sha256(&n.to_string()),
            os: None,
            version: None,
            tags: Vec::new(),
            address: None,
            attempt_hash: Some(n.to_string()),
        };
        let random = self.random.repeatable();
        let enrolled =
            |tx: &mut Tx<'_>| enrol::with_key(tx, &self.key.secret, &candidate, &random.draws(), NOW);
        let (enrolled, cost) = self.run(enrolled);
        (enrolled.token, cost)
    }

    fn page(&self, table: &'static Table, parameters: &[(&str, &str)]) -> u64 {
        let query = Query::parse(table, parameters.iter().copied()).unwrap();
        self.run(|tx| Ok(rows::page(tx, &query, &["o".to_owned()], NOW)?)).1
    }

    /// The cost of each of these among the machines that there are.
    fn costs(&self, next: u32) -> Vec<(&'static str, u64)> {
        let (token, registration) = self.register(next);
        let token = TokenReference::to(&token.secret);
        let beat = Heartbeat { online: true, version: None, endpoints: None, relay: None };
        let (_, heartbeat) = self.run(|tx| heartbeat::heartbeat(tx, &token, &beat, NOW));
        let (_, again) = self.register(next);
        let place =
            r#"(created_at.gt."1970-01-01T00:00:01Z",and(created_at.eq."1970-01-01T00:00:01Z",id.gt."0"))"#;
        let latest = [("order", "created_at.desc,id.desc"), ("limit", "10")];
        vec![
            ("a registration", registration),
            ("a repeated registration", again),
            ("a heartbeat", heartbeat),
            ("the first page", self.page(&MACHINES, &[("limit", "10")])),
            ("a later page", self.page(&MACHINES, &[("limit", "10"), ("or", place)])),
            ("a machine by its name", self.page(&MACHINES, &[("name", "eq.machine-7")])),
            ("a machine by its address", self.page(&MACHINES, &[("tailnet_ip", "eq.100.64.0.7")])),
            ("the latest", self.page(&MACHINES, &latest)),
            ("the latest entries", self.page(&AUDIT_LOGS, &latest)),
        ]
    }
}

#[test]
fn costs_do_not_grow_with_the_number_of_machines() {
    let plane = Plane::new();
    (0..FEW).for_each(|n| drop(plane.register(n)));
    let few = plane.costs(FEW);
    (FEW + 1..MANY).for_each(|n| drop(plane.register(n)));
    let many = plane.costs(MANY);
    for ((what, few), (_, many)) in few.into_iter().zip(many) {
        assert!(many * 10 <= few * 12, "{what}: {few} instructions among few machines, {many} among many");
    }
}
