//! The environment variables that the agent reads besides those that set an option.

use std::path::PathBuf;

use super::secret::Secret;

#[derive(Debug, Default)]
pub(crate) struct Environment {
    /// `ZTNA_AUTH_KEY`, the key that `ztna up` registers with.
    pub(crate) auth_key: Option<Secret>,
    /// `QZ_API_KEY`, an API key that replaces the session on admin commands (issuing/create.2).
    pub(crate) api_key: Option<Secret>,
    /// `ZTNA_HOSTNAME`, the machine's name where `--hostname` cannot be passed, as in the installer.
    pub(crate) host_name: Option<String>,
    /// The user's state directory: `$XDG_STATE_HOME`, else `~/.local/state`.
    pub(crate) state_home: Option<PathBuf>,
}

impl Environment {
    pub(crate) fn read() -> Self {
        let secret = |name| std::env::var(name).ok().and_then(|text| Secret::from_text(&text));
        let folder = |name| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        // The XDG base directory specification says to ignore a relative path.
        let state_home = folder("XDG_STATE_HOME").filter(|path| path.is_absolute());
        Self {
            auth_key: secret("ZTNA_AUTH_KEY"),
            api_key: secret("QZ_API_KEY"),
            host_name: std::env::var("ZTNA_HOSTNAME").ok().filter(|name| !name.is_empty()),
            state_home: state_home.or_else(|| Some(folder("HOME")?.join(".local/state"))),
        }
    }
}
