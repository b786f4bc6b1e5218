//! Obtains session tokens from the sources that a profile names.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use reqwest::Url;
use tokio::process::Command;
use tokio::time::timeout;

use crate::exchange::ClientSettings;

use super::pointers::Pointers;
use super::post::{self, PostError};

/// A command may query a vault, or wait for a person to touch a hardware key.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// The source of a session token.
#[derive(Clone)]
pub(super) enum Credential {
    /// A token that cannot be renewed.
    Fixed(String),
    /// A file that another program may renew.
    File(PathBuf),
    /// A command that prints the token.
    Command {
        program: OsString,
        arguments: Vec<OsString>,
    },
    Login {
        email: String,
        password: String,
    },
}

/// Why no token could be obtained. The messages contain no secrets.
#[derive(Debug, thiserror::Error)]
pub(super) enum CredentialError {
    #[error("failed to read {}: {cause}", path.display())]
    Read { path: PathBuf, cause: io::Error },
    #[error("failed to start `{program}`: {cause}")]
    Start { program: String, cause: io::Error },
    #[error("`{program}` timed out after {COMMAND_TIMEOUT:?}")]
    TimedOut { program: String },
    #[error("`{program}` failed ({status})")]
    Failed { program: String, status: ExitStatus },
    #[error("the output of `{program}` is not UTF-8")]
    NotUtf8 { program: String },
    #[error(transparent)]
    Login(#[from] PostError),
    #[error("{source_name} is empty")]
    Empty { source_name: String },
    #[error("{source_name} contains more than one word, or characters that are invalid in a header")]
    InvalidToken { source_name: String },
}

/// What a login needs to know about the target.
#[derive(Debug)]
pub(super) struct LoginEndpoint<'a> {
    pub(super) settings: &'a ClientSettings,
    pub(super) endpoint: Url,
    pub(super) pointers: &'a Pointers,
}

impl Credential {
    pub(super) async fn obtain(&self, login: &LoginEndpoint<'_>) -> Result<String, CredentialError> {
        let token = match self {
            Self::Fixed(token) => token.clone(),
            Self::File(path) => {
                let text = tokio::fs::read_to_string(path).await;
                text.map_err(|cause| CredentialError::Read { path: path.clone(), cause })?
            }
            Self::Command { program, arguments } => run_command(program, arguments).await?,
            Self::Login { email, password } => {
                let url = login.endpoint.clone();
                post::log_in(login.settings, url, email, password, login.pointers).await?
            }
        };
        let token = token.trim();
        if token.is_empty() {
            return Err(CredentialError::Empty { source_name: self.name() });
        }
        if token.chars().any(|letter| letter.is_control() || !letter.is_ascii()) {
            return Err(CredentialError::InvalidToken { source_name: self.name() });
        }
        Ok(token.to_owned())
    }

    /// Whether the source may supply a new token.
    pub(super) fn is_renewable(&self) -> bool {
        !matches!(self, Self::Fixed(_))
    }

    fn name(&self) -> String {
        match self {
            Self::Fixed(_) => "the token".to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::Command { program, .. } => format!("the output of `{}`", program.to_string_lossy()),
            Self::Login { .. } => "the login's token".to_owned(),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credential(…)")
    }
}

/// Returns the command's standard output, which is a secret. Its standard error is the kit's, so that it can prompt.
async fn run_command(program: &OsString, arguments: &[OsString]) -> Result<String, CredentialError> {
    let shown = || program.to_string_lossy().into_owned();
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let start_error = |cause| CredentialError::Start { program: shown(), cause };
    let started = command.spawn().map_err(start_error)?;
    let ended = timeout(COMMAND_TIMEOUT, started.wait_with_output()).await;
    let output = ended.map_err(|_| CredentialError::TimedOut { program: shown() })?.map_err(start_error)?;
    if !output.status.success() {
        return Err(CredentialError::Failed { program: shown(), status: output.status });
    }
    String::from_utf8(output.stdout).map_err(|_| CredentialError::NotUtf8 { program: shown() })
}
