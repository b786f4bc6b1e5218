//! Where a person's session comes from, and how it is had anew when it was refused.

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

/// A command may ask a vault, or wait for a person with a key.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// Where a session comes from.
#[derive(Clone)]
pub(super) enum Credential {
    /// One token, and no other to be had.
    Fixed(String),
    /// A file that something else may renew.
    File(PathBuf),
    /// A command that prints it.
    Command { program: OsString, arguments: Vec<OsString> },
    /// A login with a password.
    Login { email: String, password: String },
}

/// What a login needs of the target.
#[derive(Debug)]
pub(super) struct LoginDesk<'a> {
    pub(super) settings: &'a ClientSettings,
    pub(super) endpoint: Url,
    pub(super) pointers: &'a Pointers,
}

impl Credential {
    /// A token, as it is to be had now.
    ///
    /// # Errors
    /// A line without secrets: what was tried and what came.
    pub(super) async fn obtain(&self, desk: &LoginDesk<'_>) -> Result<String, String> {
        let token = match self {
            Self::Fixed(token) => token.clone(),
            Self::File(path) => {
                let text = tokio::fs::read_to_string(path).await;
                text.map_err(|cause| format!("{} cannot be read: {cause}", path.display()))?
            }
            Self::Command { program, arguments } => run(program, arguments).await?,
            Self::Login { email, password } => {
                let url = desk.endpoint.clone();
                ask::log_in(desk.settings, url, email, password, desk.pointers).await?
            }
        };
        let token = token.trim();
        let wrong = token.is_empty() || token.chars().any(|letter| letter.is_control() || !letter.is_ascii());
        match wrong {
            true if token.is_empty() => Err(format!("{} is empty", self.what())),
            true => Err(format!(
                "{} is more than one word, or has characters that no header may have",
                self.what()
            )),
            false => Ok(token.to_owned()),
        }
    }

    /// Whether asking again may bring another token.
    pub(super) fn is_renewable(&self) -> bool {
        !matches!(self, Self::Fixed(_))
    }

    fn what(&self) -> String {
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

/// What it says to a person goes to this process's standard error; what it prints is a secret.
async fn run(program: &OsString, arguments: &[OsString]) -> Result<String, String> {
    let shown = program.to_string_lossy();
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let started = command.spawn().map_err(|cause| format!("`{shown}` cannot be started: {cause}"))?;
    let ended = timeout(COMMAND_LIMIT, started.wait_with_output()).await;
    let output = ended.map_err(|_| format!("`{shown}` did not end within {COMMAND_LIMIT:?}"))?;
    let output = output.map_err(|cause| format!("`{shown}`: {cause}"))?;
    if !output.status.success() {
        return Err(format!("`{shown}` failed ({})", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{shown}` printed what is no text"))
}
