//! What every command starts from: options, environment and state folder.

use std::future::Future;
use std::path::PathBuf;

use reqwest::Url;
use time::OffsetDateTime;

use super::cli::Global;
use super::control_client::ControlClient;
use super::environment::Environment;
use super::error::AgentError;
use super::secret::Secret;
use super::state::{State, StateError, StateFolder};

/// The product's public control plane.
const DEFAULT_SERVER: &str = "https://login.quickztna.com";

/// The context of one command.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) folder: StateFolder,
    pub(crate) environment: Environment,
    server: Option<String>,
}

impl Context {
    /// Determines the state folder without reading or creating it.
    pub(crate) fn new(global: Global, environment: Environment) -> Result<Self, AgentError> {
        let path: PathBuf = match (global.state_dir, &environment.state_home) {
            (Some(path), _) if !path.is_empty() => path.into(),
            (_, Some(home)) => home.join("ztna"),
            (_, None) => return Err(StateError::NoFolder.into()),
        };
        let server = global.server.filter(|server| !server.trim().is_empty());
        Ok(Self { folder: StateFolder::new(&path), environment, server })
    }

    /// Returns the control plane's address: the option's, else the stored one, else the product's.
    pub(crate) fn server<'a>(&'a self, state: &'a State) -> &'a str {
        self.server.as_deref().or(state.server.as_deref()).unwrap_or(DEFAULT_SERVER)
    }

    /// Returns a client for a command that may use the stored credentials.
    ///
    /// # Errors
    /// [`AgentError::OtherServer`] if the credentials belong to another host: they must not be sent to this one.
    pub(crate) fn control(&self, state: &State) -> Result<ControlClient, AgentError> {
        let server = parse_address(self.server(state))?;
        if let Some(registered) = state.server.as_deref().filter(|_| state.has_credentials()) {
            let known = parse_address(registered)?;
            // As with cookies, the port is ignored: a local server has a different one at each start.
            if known.host() != server.host() || (known.scheme() == "https" && server.scheme() == "http") {
                let (registered, asked) = (registered.to_owned(), self.server(state).to_owned());
                return Err(AgentError::OtherServer { registered, asked });
            }
        }
        Ok(ControlClient::new(server))
    }

    /// Returns the credential of admin commands: the API key of the environment, else the session (issuing/create.2).
    pub(crate) fn admin_credential<'a>(&'a self, state: &'a State) -> Result<&'a Secret, AgentError> {
        let session = || state.session.as_ref().map(|session| &session.access_token);
        self.environment.api_key.get()?.or_else(session).ok_or(AgentError::NoSession)
    }

    /// Runs the asynchronous part of a command on a runtime of its own; other commands start no runtime.
    pub(crate) fn block_on<T>(
        &self,
        work: impl Future<Output = Result<T, AgentError>>,
    ) -> Result<T, AgentError> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().map_err(AgentError::system("start the runtime"))?;
        let done = runtime.block_on(work);
        // Dropping the runtime would wait for a name that is still being resolved, beyond every time limit.
        runtime.shutdown_background();
        done
    }
}

/// Returns the organisation of an admin command: the named one, else the stored one (used-count/ST2.4).
pub(crate) fn organisation<'a>(named: Option<&'a str>, state: &'a State) -> Result<&'a str, AgentError> {
    named.filter(|org| !org.is_empty()).or(state.org_id.as_deref()).ok_or(AgentError::NoOrganisation)
}

/// Returns the current time; read once per command.
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

fn parse_address(text: &str) -> Result<Url, AgentError> {
    let refuse = |reason: &str| {
        // The part before an @ may contain a password.
        let address = text.rsplit_once('@').map_or(text.to_owned(), |(_, host)| format!("…@{host}"));
        AgentError::ServerAddress { address, reason: reason.to_owned() }
    };
    let url: Url = text.trim().parse().map_err(|error| refuse(&format!("{error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("expected a URL starting with https:// or http://"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(refuse("expected a URL without user, password or query"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Session;

    fn context(server: Option<&str>) -> Context {
        let global =
            Global { server: server.map(str::to_owned), state_dir: Some("/nowhere".into()), log: None };
        Context::new(global, Environment::default()).unwrap()
    }

    #[test]
    fn credentials_are_sent_to_their_own_host_only() {
        for (kept, asked, goes) in [
            ("http://127.0.0.1:1", "http://127.0.0.1:2", true),
            ("https://a.example", "https://a.example/", true),
            ("https://a.example", "https://b.example", false),
            ("https://a.example", "http://a.example", false),
            ("http://a.example", "https://a.example", true),
        ] {
            let access_token = Secret::from_text("token").unwrap();
            let session = Some(Session { access_token, email: None, expires_at: None });
            let state = State { server: Some(kept.to_owned()), session, ..State::default() };
            assert_eq!(context(Some(asked)).control(&state).is_ok(), goes, "{kept} {asked}");
            assert!(context(Some(asked)).control(&State { session: None, ..state }).is_ok());
        }
    }

    #[test]
    fn server_addresses_are_validated_and_resolved() {
        for wrong in ["", "login.quickztna.com", "ftp://a", "https://", "https://u:p@a", "https://a?x=1"] {
            assert!(parse_address(wrong).is_err(), "{wrong}");
        }
        let message = parse_address("https://ada:pass@word@a.example").unwrap_err().to_string();
        assert!(message.starts_with("invalid control plane address '…@a.example'"), "{message}");
        let state = State { server: Some("http://kept".to_owned()), ..State::default() };
        assert_eq!(context(Some("http://named")).server(&state), "http://named");
        assert_eq!(context(Some("")).server(&state), "http://kept");
        assert_eq!(context(None).server(&State::default()), DEFAULT_SERVER);
    }

    #[test]
    fn named_organisation_takes_precedence() {
        let state = State { org_id: Some("kept".to_owned()), ..State::default() };
        assert_eq!(organisation(Some("named"), &state).unwrap(), "named");
        assert_eq!(organisation(Some(""), &state).unwrap(), "kept");
        assert!(matches!(organisation(None, &State::default()), Err(AgentError::NoOrganisation)));
    }
}
