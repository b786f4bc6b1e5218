//! A second control plane, written from the documents alone: in memory, and as different from the reference as they allow.

mod answer;
mod departure;
mod enrolment;
mod issue;
mod listen;
mod rule;
mod table;
mod world;

use std::sync::{Arc, Mutex};

pub(crate) use departure::Departure;
pub(crate) use listen::{Implementation, Pace, Protocol};

use answer::Answer;
use world::World;

pub(crate) struct Request {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    bearer: Option<String>,
    headers: Vec<(String, String)>,
    /// None if the body is not a JSON object.
    body: Option<serde_json::Map<String, serde_json::Value>>,
    /// The peer's address.
    address: std::net::IpAddr,
}

#[derive(Clone)]
pub(crate) struct Service {
    world: Arc<Mutex<World>>,
    pace: Arc<Pace>,
}

impl Service {
    pub(crate) fn new(departure: Option<Departure>, pace: Pace) -> Self {
        Self { world: Arc::new(Mutex::new(World::new(departure))), pace: Arc::new(pace) }
    }

    /// Responds after a delay, like a remote server.
    pub(crate) async fn answer(&self, request: Request) -> Answer {
        self.pace.pass().await;
        if let ("POST", "/api/register-machine") = (request.method.as_str(), request.path.as_str()) {
            return self.register(&request).await;
        }
        let mut world = self.world();
        world.tidy();
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/api/api-keys") if world.departs(Departure::NoAlias) => Answer::nothing_there(),
            ("POST", "/api/key-management" | "/api/api-keys") => issue::key_management(&mut world, &request),
            ("POST", "/api/db/api_keys") => {
                issue::insert(&mut world, &request).unwrap_or_else(|refusal| refusal)
            }
            ("POST", "/api/heartbeat") => enrolment::heartbeat(&mut world, &request),
            ("POST", "/api/machine-admin") => enrolment::administer(&mut world, &request),
            ("POST", "/api/auth/login") => world.log_in(&request),
            ("POST", "/for-tests/clock") => world.advance(&request),
            ("GET", "/api/user-orgs") => table::organisations(&mut world, &request),
            ("GET", path) => match path.strip_prefix("/api/db/") {
                Some(name) => table::list(&mut world, name, &request),
                None => Answer::nothing_there(),
            },
            _ => Answer::nothing_there(),
        }
    }

    /// A registration pauses between reading and deciding; a second one with the same key or name in the meantime gets
    /// the documented conflict.
    async fn register(&self, request: &Request) -> Answer {
        let claim = match enrolment::claim(&mut self.world(), request) {
            Ok(claim) => claim,
            Err(refusal) => return refusal,
        };
        self.pace.pass().await;
        if self.world().departs(Departure::RacesLetSeveralIn) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let mut world = self.world();
        world.tidy();
        enrolment::register(&mut world, request, &claim)
    }

    fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

impl Request {
    fn text(&self, field: &str) -> Option<&str> {
        self.body.as_ref()?.get(field)?.as_str()
    }

    fn field(&self, field: &str) -> Option<&serde_json::Value> {
        self.body.as_ref()?.get(field)
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
