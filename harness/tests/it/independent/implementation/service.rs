//! The routes.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::answer::Answer;
use super::departure::Departure;
use super::enrolment::{self, Obstacle};
use super::nature::Nature;
use super::pace::Pace;
use super::request::Request;
use super::world::World;
use super::{agent, issue_api_key, key_management, machine_admin, organisation, person, place, table};
use crate::independent::choices::Choice;

#[derive(Clone)]
pub(super) struct Service {
    pub(super) nature: Arc<Nature>,
    world: Arc<Mutex<World>>,
    pace: Arc<Pace>,
}

impl Service {
    pub(super) fn new(nature: Nature, pace: Pace) -> Self {
        let world = Arc::new(Mutex::new(World::new(nature.clone())));
        Self { nature: Arc::new(nature), world, pace: Arc::new(pace) }
    }

    /// Responds after a delay, like a remote server.
    pub(super) async fn answer(&self, mut request: Request) -> Answer {
        self.pace.pass().await;
        // Its own agent asks as it does everywhere.
        if !request.wants_lines() {
            match place::usual(&request.path, &self.nature) {
                Some(path) => request.path = path.to_owned(),
                None => return Answer::nothing_there(),
            }
        }
        let answer = match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/api/register-machine") => self.register(&request).await,
            _ => {
                let mut world = self.world();
                world.tidy();
                route(&mut world, &request)
            }
        };
        let answer = answer.unwrap_or_else(|refusal| refusal);
        if request.wants_lines() { answer.in_lines() } else { answer }
    }

    /// A registration pauses between reading and deciding; a second one with the same key or name in the meantime gets
    /// the documented conflict, or waits where that is chosen.
    async fn register(&self, request: &Request) -> Result<Answer, Answer> {
        let claim = loop {
            let claim = enrolment::claim(&mut self.tidied(), request);
            match claim {
                Ok(claim) => break claim,
                Err(Obstacle::Refused(refusal)) => return Err(refusal),
                Err(Obstacle::Held) if !self.nature.chooses(Choice::RegistrationsWait) => {
                    return Err(enrolment::conflict());
                }
                Err(Obstacle::Held) => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        };
        self.pace.pass().await;
        if self.nature.departs(Departure::RacesLetSeveralIn) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        enrolment::register(&mut self.tidied(), request, &claim)
    }

    fn tidied(&self) -> MutexGuard<'_, World> {
        let mut world = self.world();
        world.tidy();
        world
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

fn route(world: &mut World, request: &Request) -> Result<Answer, Answer> {
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/api/api-keys") if world.departs(Departure::NoAlias) => Err(Answer::nothing_there()),
        ("POST", "/api/key-management" | "/api/api-keys") => key_management::manage(world, request),
        ("POST", "/api/db/api_keys") => issue_api_key::insert(world, request),
        ("POST", "/api/heartbeat") => enrolment::heartbeat(world, request),
        ("POST", "/api/machine-admin") => machine_admin::administer(world, request),
        ("POST", "/api/auth/login") => Ok(person::log_in(world, request)),
        ("GET", "/api/user-orgs") => organisation::list(world, request),
        ("GET", "/install.sh") => Ok(agent::installer(request)),
        ("POST", "/agent/login") => Ok(agent::begin_login(world)),
        ("GET", "/agent/login") => Ok(agent::await_login(world, request)),
        ("GET", "/agent/role") => agent::role(world, request),
        ("POST", "/agent/join") => agent::join(world, request),
        ("GET", "/agent/self") => agent::itself(world, request),
        ("POST", "/agent/tags") => agent::add_tags(world, request),
        ("POST", "/for-tests/approve") => agent::approve(world, request),
        ("POST", "/for-tests/clock") => Ok(world.advance(request)),
        ("POST", "/for-tests/reset") => Ok(world.reset()),
        ("GET", path) => match path.strip_prefix("/api/db/") {
            Some(name) => table::list(world, name, request),
            None => Err(Answer::nothing_there()),
        },
        _ => Err(Answer::nothing_there()),
    }
}
