//! Obtains session tokens from the sources that a profile names.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use reqwest::Url;
use tokio::process::Command;
use tokio::time::timeout;

use crate::exchange::ClientSettings;

use super::ask;
use super::pointers::Pointers;

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

/// What a login needs to know about the target.
#[derive(Debug)]
pub(super) struct LoginEndpoint<'a> {
    pub(super) settings: &'a ClientSettings,
    pub(super) endpoint: Url,
    pub(super) pointers: &'a Pointers,
}

impl Credential {
    /// Obtains a token.
    ///
    /// # Errors
    /// Describes what was tried and how it failed, without secrets.
    pub(super) async fn obtain(&self, login: &LoginEndpoint<'_>) -> Result<String, String> {
        let token = match self {
            Self::Fixed(token) => token.clone(),
            Self::File(path) => {
                let text = tokio::fs::read_to_string(path).await;
                text.map_err(|cause| format!("failed to read {}: {cause}", path.display()))?
            }
            Self::Command { program, arguments } => run_command(program, arguments).await?,
            Self::Login { email, password } => {
                let url = login.endpoint.clone();
                ask::log_in(login.settings, url, email, password, login.pointers).await?
            }
        };
        let token = token.trim();
        let wrong = token.is_empty() || token.chars().any(|letter| letter.is_control() || !letter.is_ascii());
        match wrong {
            true if token.is_empty() => Err(format!("{} is empty", self.describe())),
            true => Err(format!(
                "{} contains more than one word, or characters that are invalid in a header",
                self.describe()
            )),
            false => Ok(token.to_owned()),
        }
    }

    /// Whether the source may supply a new token.
    pub(super) fn is_renewable(&self) -> bool {
        !matches!(self, Self::Fixed(_))
    }

    fn describe(&self) -> String {
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
async fn run_command(program: &OsString, arguments: &[OsString]) -> Result<String, String> {
    let shown = program.to_string_lossy();
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let started = command.spawn().map_err(|cause| format!("failed to start `{shown}`: {cause}"))?;
    let ended = timeout(COMMAND_TIMEOUT, started.wait_with_output()).await;
    let output = ended.map_err(|_| format!("`{shown}` timed out after {COMMAND_TIMEOUT:?}"))?;
    let output = output.map_err(|cause| format!("`{shown}`: {cause}"))?;
    if !output.status.success() {
        return Err(format!("`{shown}` failed ({})", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("the output of `{shown}` is not UTF-8"))
}
