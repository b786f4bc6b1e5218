//! `harness serve`: the reference on the system's clock.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use harness_runner::targets::Installs;
use mock_server::app::{self, Config, Fixture, Person, Ready, StartError};
use mock_server::store::Location;

use crate::ReferenceError;
use crate::front_proxy::FrontProxy;

use super::control_plane::EmbeddedControlPlane;
use super::database::postgres;
use super::program::config;

#[derive(Debug)]
pub struct ServeOptions {
    /// A proxy to start in front of it.
    pub front: Option<Arc<dyn FrontProxy>>,
    pub listen: SocketAddr,
    /// `sqlite::memory:`, `sqlite:PATH` or `postgres://…`.
    pub database: String,
    /// Where to write its addresses and people, once it answers requests.
    pub ready_file: Option<PathBuf>,
}

pub struct Served(EmbeddedControlPlane);

/// # Errors
/// The database is not supported, the reference does not start, or the ready file cannot be written.
pub async fn serve(options: ServeOptions) -> Result<Served, ReferenceError> {
    let location = match options.database.strip_prefix("sqlite:") {
        Some(":memory:") => Location::Memory,
        Some(path) if !path.is_empty() => Location::File(path.trim_start_matches("//").into()),
        _ if let Some(address) = postgres(&options.database)? => Location::Postgres(Box::new(address)),
        _ => {
            let scheme = options.database.split(':').next().unwrap_or_default().to_owned();
            return Err(ReferenceError::UnsupportedDatabase { scheme });
        }
    };
    let front = options.front.as_deref();
    let config = |fixture| Config {
        listen: if front.is_some() { app::DEFAULT_LISTEN } else { options.listen },
        database: location,
        clock: app::clock::Clock::system(),
        ..config(fixture, front, Installs::Elsewhere)
    };
    let server = app::start(config(Fixture::built_in()?)).await?;
    let plane = EmbeddedControlPlane::start(front, vec![server], None, options.listen)
        .await
        .map_err(|source| StartError::Listen { address: options.listen, source })?;
    if let Some(path) = options.ready_file {
        let ready = Ready { base_url: plane.base_url().to_owned(), ..plane.ready().clone() };
        ready.write(&path).map_err(|source| StartError::ReadyFile { path, source })?;
    }
    Ok(Served(plane))
}

impl Served {
    pub fn base_url(&self) -> &str {
        self.0.base_url()
    }

    /// The shell variables that the documents' command lines use.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let ready = self.0.ready();
        let token = |person: &Option<Person>| person.as_ref().map(|person| person.token.clone());
        let base_url = self.base_url().to_owned();
        let variables = [
            ("BASE_URL", Some(base_url.clone())),
            ("ZTNA_SERVER", Some(base_url)),
            ("ORG_ID", Some(ready.org_id.clone())),
            ("TOKEN", token(&ready.admin)),
            ("OWNER_TOKEN", token(&ready.owner)),
            ("MEMBER_TOKEN", token(&ready.member)),
            ("OUTSIDER_TOKEN", token(&ready.outsider)),
            ("OTHER_ORG_ID", ready.other_org_id.clone()),
        ];
        variables.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    pub async fn stop(self) {
        self.0.stop().await;
    }
}
