//! Runs the reference for interactive use, on the system's clock.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use mock_server::app::{self, Config, Fixture, Person, Ready, StartError};
use mock_server::store::Location;

use crate::front::Front;

use super::control_plane::EmbeddedControlPlane;
use super::program::config;

/// Options of `harness serve`.
#[derive(Debug)]
pub struct ServeOptions {
    pub front: Option<Arc<dyn Front>>,
    pub listen: SocketAddr,
    /// `sqlite::memory:` or `sqlite:PATH`.
    pub database: String,
    /// The file to write the base URL and credentials to once it is ready.
    pub ready_file: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An unsupported option.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Failed(String),
}

/// A running reference of `harness serve`.
pub struct Served(EmbeddedControlPlane);

/// Starts the reference for interactive use, on the system's clock.
///
/// # Errors
/// It does not start, or the ready file cannot be written.
pub async fn serve(options: ServeOptions) -> Result<Served, ServeError> {
    let location = match options.database.strip_prefix("sqlite:") {
        Some(":memory:") => Location::Memory,
        Some(path) if !path.is_empty() => Location::File(path.trim_start_matches("//").into()),
        _ => {
            let scheme = scheme(&options.database);
            let what =
                format!("unsupported database `{scheme}`\nuse --database sqlite::memory: or sqlite:PATH");
            return Err(ServeError::Usage(what));
        }
    };
    let front = options.front.as_deref();
    let config = |fixture| Config {
        listen: if front.is_some() { app::DEFAULT_LISTEN } else { options.listen },
        database: location,
        clock: app::clock::Clock::system(),
        ..config(fixture, front)
    };
    let started = async {
        let server = app::start(config(Fixture::built_in()?)).await?;
        let served = EmbeddedControlPlane::behind(front, server, options.listen)
            .await
            .map_err(|source| StartError::Listen { address: options.listen, source })?;
        if let Some(path) = options.ready_file {
            let ready = Ready { base_url: served.base_url().to_owned(), ..served.ready().clone() };
            ready.write(&path).map_err(|source| StartError::ReadyFile { path, source })?;
        }
        Ok(Served(served))
    };
    started.await.map_err(|error: StartError| ServeError::Failed(error.to_string()))
}

impl Served {
    pub fn base_url(&self) -> &str {
        self.0.base_url()
    }

    /// Returns the shell variables that the documents' command lines use.
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

/// Returns the scheme only: the rest of the URL may contain a password.
fn scheme(database: &str) -> &str {
    database.split(':').next().unwrap_or_default()
}
