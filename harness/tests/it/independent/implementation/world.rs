//! The state: sessions, keys, machines and the time.

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use super::answer::Answer;
use super::api_key::{ApiKey, Milliseconds};
use super::auth_key::AuthKey;
use super::departure::Departure;
use super::machine::Machine;
use super::moment::Seconds;
use super::nature::Nature;
use super::request::Request;
use super::session::Session;
use crate::independent::choices::Choice;

pub(super) struct World {
    pub(super) nature: Nature,
    ahead: Seconds,
    pub(super) sessions: HashMap<String, Session>,
    /// Logins of agents: a session once somebody has approved the code.
    pub(super) logins: HashMap<String, Option<String>>,
    pub(super) auth_keys: Vec<AuthKey>,
    pub(super) api_keys: Vec<ApiKey>,
    pub(super) machines: Vec<Machine>,
    pub(super) registering: HashSet<String>,
    machines_ever: u32,
}

impl World {
    pub(super) fn new(nature: Nature) -> Self {
        Self {
            nature,
            ahead: 0,
            sessions: HashMap::new(),
            logins: HashMap::new(),
            auth_keys: Vec::new(),
            api_keys: Vec::new(),
            machines: Vec::new(),
            registering: HashSet::new(),
            machines_ever: 0,
        }
    }

    pub(super) fn departs(&self, departure: Departure) -> bool {
        self.nature.departs(departure)
    }

    pub(super) fn chooses(&self, choice: Choice) -> bool {
        self.nature.chooses(choice)
    }

    pub(super) fn now(&self) -> Seconds {
        self.milliseconds() / 1_000
    }

    pub(super) fn milliseconds(&self) -> Milliseconds {
        let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        Milliseconds::try_from(passed).unwrap() + self.ahead * 1_000
    }

    /// A new id: of auth keys in the guide's form where that is chosen, otherwise a UUID.
    pub(super) fn auth_key_id(&self) -> String {
        if self.chooses(Choice::IdsWithSymbols) {
            return format!("ak+{}&k#100%/? é", &Uuid::new_v4().simple().to_string()[..10]);
        }
        match self.chooses(Choice::ShortIds) {
            true => format!("ak_{}", &Uuid::new_v4().simple().to_string()[..10]),
            false => self.id(),
        }
    }

    pub(super) fn id(&self) -> String {
        let id = Uuid::new_v4().to_string();
        if self.chooses(Choice::IdsInCapitals) { id.to_uppercase() } else { id }
    }

    /// 32 random bytes in hexadecimal.
    pub(super) fn secret(&self) -> String {
        let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        if self.chooses(Choice::HexInCapitals) { secret.to_uppercase() } else { secret }
    }

    /// A free address of the tailnet.
    pub(super) fn free_address(&mut self) -> Ipv4Addr {
        self.machines_ever += 1;
        if self.chooses(Choice::AddressesFromTheTop) {
            return Ipv4Addr::from(u32::from(Ipv4Addr::new(100, 127, 255, 254)) - self.machines_ever);
        }
        let first = u32::from(Ipv4Addr::new(100, 99, 0, 1));
        let free = (first..).map(Ipv4Addr::from).find(|address| {
            !self.machines.iter().any(|machine| machine.address == *address && machine.removed.is_none())
        });
        match self.chooses(Choice::AddressesReused) {
            true => free.unwrap(),
            false => Ipv4Addr::from(first + self.machines_ever),
        }
    }

    /// Removes ephemeral machines that have been offline for too long, and keys that are over where that is chosen.
    pub(super) fn tidy(&mut self) {
        let (now, nature) = (self.now(), self.nature.clone());
        if !nature.departs(Departure::EphemeralStays) {
            for machine in &mut self.machines {
                if machine.removed.is_none() && machine.has_lapsed(now, &nature) {
                    machine.removed = Some("deregistered");
                }
            }
        }
        let stay = nature.chooses(Choice::RemovedRowsStay);
        self.machines.retain(|machine| stay || machine.removed.is_none());
        if nature.chooses(Choice::ExpiredKeysPurged) {
            self.auth_keys.retain(|key| key.expires > now);
            self.api_keys.retain(|key| key.expires > now);
        }
        if nature.chooses(Choice::RevokedKeysPurged) {
            self.auth_keys.retain(|key| !key.revoked);
            self.api_keys.retain(|key| !key.revoked);
        }
    }

    /// Leaves no keys and no machines. Sessions remain.
    pub(super) fn reset(&mut self) -> Answer {
        self.auth_keys.clear();
        self.api_keys.clear();
        self.machines.clear();
        Answer::empty(204)
    }

    pub(super) fn advance(&mut self, request: &Request) -> Answer {
        match request.field("advance_seconds").and_then(serde_json::Value::as_i64) {
            Some(seconds) => {
                self.ahead += seconds;
                Answer::empty(204)
            }
            None => Answer::refusal(400, "SECONDS", "advance_seconds is a number"),
        }
    }
}
