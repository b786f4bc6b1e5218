//! What every command starts from: the options, the environment and the state folder.

use std::future::Future;

use reqwest::Url;
use time::OffsetDateTime;

use super::cli::Global;
use super::control_client::ControlClient;
use super::environment::Environment;
use super::error::AgentError;
use super::secret::Secret;
use super::state::{State, StateError, StateFolder};

/// The control plane of the product.
const DEFAULT_SERVER: &str = "https://login.quickztna.com";

/// The surroundings of one command.
#[derive(Debug)]
pub(crate) struct Context {
    /// Where the state is.
    pub(crate) folder: StateFolder,
    /// What the environment says.
    pub(crate) environment: Environment,
    server: Option<String>,
}

impl Context {
    /// Finds the state folder; reads and makes nothing.
    pub(crate) fn new(global: Global, environment: Environment) -> Result<Self, AgentError> {
        let path = match (global.state_dir, &environment.state_home) {
            (Some(path), _) if !path.is_empty() => path.into(),
            (_, Some(home)) => home.join("ztna"),
            (_, None) => return Err(StateError::NoPlace.into()),
        };
        let server = global.server.filter(|server| !server.trim().is_empty());
        Ok(Self { folder: StateFolder::new(path), environment, server })
    }

    /// The address of the control plane: the one named, else the state's, else the product's.
    pub(crate) fn server<'a>(&'a self, state: &'a State) -> &'a str {
        self.server.as_deref().or(state.server.as_deref()).unwrap_or(DEFAULT_SERVER)
    }

    /// The control plane, for a command that may use the state's credentials.
    ///
    /// # Errors
    /// [`AgentError::OtherServer`] if those belong to another host: its operator must not get to see them.
    pub(crate) fn control(&self, state: &State) -> Result<ControlClient, AgentError> {
        let server = address(self.server(state))?;
        if let Some(registered) = state.server.as_deref().filter(|_| state.has_credentials()) {
            let known = address(registered)?;
            // As with cookies, the port does not matter: a local server has another one at each start.
            if known.host() != server.host() || (known.scheme() == "https" && server.scheme() == "http") {
                let (registered, asked) = (registered.to_owned(), self.server(state).to_owned());
                return Err(AgentError::OtherServer { registered, asked });
            }
        }
        Ok(ControlClient::new(server))
    }

    /// Who speaks on admin commands: the API key of the environment, else the session (issuing/create.2).
    pub(crate) fn administrator<'a>(&'a self, state: &'a State) -> Result<&'a Secret, AgentError> {
        let session = || state.session.as_ref().map(|session| &session.access_token);
        self.environment.api_key.as_ref().or_else(session).ok_or(AgentError::NoSession)
    }

    /// Runs the asynchronous part of a command; a command without one never pays for the runtime.
    pub(crate) fn block_on<T>(
        &self,
        work: impl Future<Output = Result<T, AgentError>>,
    ) -> Result<T, AgentError> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().map_err(AgentError::system("start the runtime"))?.block_on(work)
    }
}

/// The organisation an admin command means: the one named, else the state's (used-count/ST2.4).
pub(crate) fn organisation<'a>(named: Option<&'a str>, state: &'a State) -> Result<&'a str, AgentError> {
    named.filter(|org| !org.is_empty()).or(state.org_id.as_deref()).ok_or(AgentError::NoOrganisation)
}

/// The present, read once a command.
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

fn address(text: &str) -> Result<Url, AgentError> {
    let refuse = |reason: &str| {
        // What stands before an @ may be a password.
        let address = text.rsplit_once('@').map_or(text.to_owned(), |(_, host)| format!("…@{host}"));
        AgentError::ServerAddress { address, reason: reason.to_owned() }
    };
    let url: Url = text.trim().parse().map_err(|error| refuse(&format!("{error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("it has to begin with https:// or http://"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(refuse("it has to be a plain address, without user, password or query"));
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
    fn credentials_stay_with_their_host() {
        for (kept, asked, goes) in [
            ("http://127.0.0.1:1", "http://127.0.0.1:2", true),
            ("https://a.example", "https://a.example/", true),
            ("https://a.example", "https://b.example", false),
            ("https://a.example", "http://a.example", false),
            ("http://a.example", "https://a.example", true),
        ] {
            let access_token = Secret::given("token").unwrap();
            let session = Some(Session { access_token, email: None, expires_at: None });
            let state = State { server: Some(kept.to_owned()), session, ..State::default() };
            assert_eq!(context(Some(asked)).control(&state).is_ok(), goes, "{kept} {asked}");
            assert!(context(Some(asked)).control(&State { session: None, ..state }).is_ok());
        }
    }

    #[test]
    fn addresses() {
        for wrong in ["", "login.quickztna.com", "ftp://a", "https://", "https://u:p@a", "https://a?x=1"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
        let message = address("https://ada:pass@word@a.example").unwrap_err().to_string();
        assert!(message.starts_with("'…@a.example' is not the address of a control plane"), "{message}");
        let state = State { server: Some("http://kept".to_owned()), ..State::default() };
        assert_eq!(context(Some("http://named")).server(&state), "http://named");
        assert_eq!(context(Some("")).server(&state), "http://kept");
        assert_eq!(context(None).server(&State::default()), DEFAULT_SERVER);
    }

    #[test]
    fn the_organisation_named_wins() {
        let state = State { org_id: Some("kept".to_owned()), ..State::default() };
        assert_eq!(organisation(Some("named"), &state).unwrap(), "named");
        assert_eq!(organisation(Some(""), &state).unwrap(), "kept");
        assert!(matches!(organisation(None, &State::default()), Err(AgentError::NoOrganisation)));
    }
}
