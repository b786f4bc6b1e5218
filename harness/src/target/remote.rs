//! One implementation somewhere, which all sub-tests share.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::net::UdpSocket;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderMap;
use tokio::sync::Mutex;

use crate::scenario::model::{Capability, Identity};
use crate::step::exchange::{Caller, ClientSettings, PreparedRequest, send};

use super::profile::{Profile, TokenSource};
use super::{AgentCommand, Host, Place, TargetDescription, TargetError, ask, identity_name, joined};

const LOGIN: &str = "/api/auth/login";

/// A target as its profile describes it.
#[derive(Debug)]
pub struct Remote {
    profile: Profile,
    agent: Option<AgentCommand>,
    secrets: HashMap<Identity, Secret>,
    /// Logins are shared by all sub-tests until the clock moves.
    sessions: Mutex<HashMap<Identity, String>>,
}

/// What a session comes from, read when the run begins.
enum Secret {
    Token(String),
    Login { email: String, password: String },
}

/// A profile asks for something that is not there: a usage error.
#[derive(Debug, thiserror::Error)]
pub enum MeansError {
    /// A variable is not set.
    #[error("{variable} is not set, but tokens.{identity} of {profile} reads it; export it first")]
    Variable {
        /// The variable.
        variable: String,
        /// Whose token.
        identity: &'static str,
        /// The profile.
        profile: String,
    },
    /// A file cannot be read.
    #[error("tokens.{identity} of {profile}: {path} cannot be read: {cause}")]
    File {
        /// The file.
        path: String,
        /// Whose token.
        identity: &'static str,
        /// The profile.
        profile: String,
        /// What the system says.
        cause: std::io::Error,
    },
    /// What is said of the agent's command line is none.
    #[error("agent.{key} of {profile}: `{command}` cannot be split into words: {cause}")]
    Command {
        /// The key of the profile.
        key: &'static str,
        /// The command.
        command: String,
        /// The profile.
        profile: String,
        /// What is wrong.
        cause: shell_words::ParseError,
    },
    /// There is no such program.
    #[error(
        "agent.command of {profile}: there is no program `{program}`; give its path, absolute or from the profile's folder"
    )]
    Program {
        /// The program, as it was looked for.
        program: String,
        /// The profile.
        profile: String,
    },
}

impl Remote {
    /// Takes a profile and reads the secrets that it points to.
    ///
    /// # Errors
    /// A variable or file is not there.
    pub fn new(profile: Profile) -> Result<Self, MeansError> {
        let shown = profile.path.display().to_string();
        let mut secrets = HashMap::new();
        for (identity, source) in &profile.content.tokens {
            secrets.insert(*identity, secret(*identity, source.get_ref(), &profile.path)?);
        }
        let agent = match &profile.content.agent {
            None => None,
            Some(agent) => {
                let split = |key, text: &String| {
                    shell_words::split(text).map_err(|cause| MeansError::Command {
                        key,
                        command: text.clone(),
                        profile: shown.clone(),
                        cause,
                    })
                };
                let up_flags = match profile.capabilities.contains(&Capability::Tun) {
                    true => Vec::new(),
                    false => split("without_tun", &agent.without_tun)?,
                };
                let mut words = split("command", agent.command.get_ref())?.into_iter().map(OsString::from);
                let program = located(words.next().unwrap_or_default(), &profile.path);
                if !is_there(&program) {
                    let program = program.to_string_lossy().into_owned();
                    return Err(MeansError::Program { program, profile: shown });
                }
                Some(AgentCommand {
                    program,
                    arguments: words.collect(),
                    environment: agent.env.clone().into_iter().collect(),
                    up_flags,
                })
            }
        };
        Ok(Self { profile, agent, secrets, sessions: Mutex::default() })
    }

    /// Whether sub-tests can log in on a machine.
    pub fn can_approve(&self) -> bool {
        self.profile.content.hooks.approve.is_some()
    }

    pub(super) fn description(&self) -> TargetDescription {
        let content = &self.profile.content;
        TargetDescription {
            name: content.name.clone(),
            version: content.version.clone(),
            base_url: Some(self.profile.base_url.to_string()),
            reference: content.reference,
            capabilities: self.profile.capabilities.clone(),
            deviating: None,
        }
    }

    pub(super) async fn preflight(&self) -> Result<(), TargetError> {
        let unreachable = |cause| TargetError::Unreachable {
            base_url: self.base_url().to_string(),
            cause,
            profile: self.profile.path.display().to_string(),
        };
        let greeting = PreparedRequest {
            method: reqwest::Method::GET,
            url: joined(self.base_url(), "/healthz"),
            headers: HeaderMap::new(),
            body: None,
            from: None,
        };
        let caller = Caller::new(&self.settings(), None).map_err(|error| unreachable(error.to_string()))?;
        // Any answer will do: /healthz is the reference's.
        send(&caller, &greeting).await.map_err(|error| unreachable(error.to_string()))?;
        if let Some(reset) = &self.profile.content.hooks.reset {
            let url = self.hook(reset);
            ask::post(&self.settings(), url, None, &serde_json::json!({}))
                .await
                .map_err(TargetError::Reset)?;
        }
        Ok(())
    }

    pub(super) fn place(remote: &Arc<Self>) -> Place {
        let content = &remote.profile.content;
        Place {
            base_url: remote.base_url().clone(),
            org: content.org_id.clone(),
            other_org: content.other_org_id.clone(),
            address: content.address.clone().unwrap_or_else(|| own_address(remote.base_url())),
            agent: remote.agent.clone(),
            settings: remote.settings(),
            network: None,
            host: Host::Remote(Arc::clone(remote)),
            sessions: Mutex::default(),
        }
    }

    pub(super) async fn token(&self, identity: Identity) -> Result<String, TargetError> {
        let name = identity_name(identity);
        let missing = |cause: String| TargetError::Token { identity: name, cause };
        match self.secrets.get(&identity) {
            None => Err(missing(format!("add tokens.{name} to {}", self.profile.path.display()))),
            Some(Secret::Token(token)) => Ok(token.clone()),
            Some(Secret::Login { email, password }) => {
                let mut sessions = self.sessions.lock().await;
                if let Some(token) = sessions.get(&identity) {
                    return Ok(token.clone());
                }
                let url = joined(self.base_url(), LOGIN);
                let token = ask::log_in(&self.settings(), url, email, password).await.map_err(missing)?;
                sessions.insert(identity, token.clone());
                Ok(token)
            }
        }
    }

    pub(super) async fn advance(&self, duration: Duration) -> Result<(), TargetError> {
        let Some(hook) = &self.profile.content.hooks.clock else {
            let missing = format!("{} has no hooks.clock", self.profile.path.display());
            return Err(TargetError::Clock(missing));
        };
        let body = serde_json::json!({ "advance_seconds": duration.as_secs() });
        ask::post(&self.settings(), self.hook(hook), None, &body).await.map_err(TargetError::Clock)?;
        self.sessions.lock().await.clear();
        Ok(())
    }

    pub(super) fn approve_endpoint(&self) -> Result<Url, TargetError> {
        match &self.profile.content.hooks.approve {
            Some(hook) => Ok(self.hook(hook)),
            None => {
                Err(TargetError::Approval(format!("{} has no hooks.approve", self.profile.path.display())))
            }
        }
    }

    fn base_url(&self) -> &Url {
        &self.profile.base_url
    }

    fn settings(&self) -> ClientSettings {
        let timeouts = &self.profile.content.timeouts;
        ClientSettings::plain(self.base_url().clone(), timeouts.connect, timeouts.request)
    }

    fn hook(&self, hook: &str) -> Url {
        Url::parse(hook).unwrap_or_else(|_| joined(self.base_url(), hook))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret")
    }
}

fn secret(identity: Identity, source: &TokenSource, profile: &Path) -> Result<Secret, MeansError> {
    let identity = identity_name(identity);
    let shown = profile.display().to_string();
    let variable = |variable: &str| match std::env::var(variable) {
        Ok(value) if !value.is_empty() => Ok(value),
        _ => Err(MeansError::Variable { variable: variable.to_owned(), identity, profile: shown.clone() }),
    };
    Ok(match source {
        TokenSource::Inline(token) => Secret::Token(token.clone()),
        TokenSource::Env(name) => Secret::Token(variable(name)?),
        TokenSource::Login(login) => {
            Secret::Login { email: login.email.clone(), password: variable(&login.password_env)? }
        }
        TokenSource::File(file) => {
            let path = profile.parent().unwrap_or(Path::new("")).join(file);
            let text = std::fs::read_to_string(&path).map_err(|cause| MeansError::File {
                path: path.display().to_string(),
                identity,
                profile: shown,
                cause,
            })?;
            Secret::Token(text.trim().to_owned())
        }
    })
}

/// A program with a slash in its name is meant relative to the profile; another is looked up in PATH.
fn located(program: OsString, profile: &Path) -> OsString {
    let path = Path::new(&program);
    if path.components().count() < 2 || path.is_absolute() {
        return program;
    }
    let beside = profile.parent().unwrap_or(Path::new("")).join(path);
    std::path::absolute(&beside).unwrap_or(beside).into_os_string()
}

/// Whether there is such a file, or one of that name in PATH.
fn is_there(program: &OsStr) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Path::new(program).is_file()
        || Path::new(program).components().count() == 1
            && std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The address that packets to the target leave from; nothing is sent to find it out.
fn own_address(base_url: &Url) -> String {
    let host = base_url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = base_url.port_or_known_default().unwrap_or(80);
    let found = ["0.0.0.0:0", "[::]:0"].iter().find_map(|any| {
        let socket = UdpSocket::bind(any).ok()?;
        socket.connect((host.as_str(), port)).ok()?;
        Some(socket.local_addr().ok()?.ip().to_string())
    });
    found.unwrap_or_else(|| "127.0.0.1".to_owned())
}
