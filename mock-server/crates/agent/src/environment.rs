//! The environment variables that the agent reads besides those that set an option.

use std::ffi::OsString;
use std::path::PathBuf;

use thiserror::Error;

use super::secret::Secret;

#[derive(Debug, Default)]
pub(crate) struct Environment {
    /// `ZTNA_AUTH_KEY`, the key that `ztna up` registers with.
    pub(crate) auth_key: Variable<Secret>,
    /// `QZ_API_KEY`, an API key that replaces the session on admin commands (issuing/create.2).
    pub(crate) api_key: Variable<Secret>,
    /// `ZTNA_HOSTNAME`, the machine's name where `--hostname` cannot be passed, as in the installer.
    pub(crate) host_name: Variable<String>,
    /// The user's state directory: `$XDG_STATE_HOME`, else `~/.local/state`.
    pub(crate) state_home: Option<PathBuf>,
}

/// A variable, which concerns only the commands that use it.
#[derive(Debug)]
pub(crate) struct Variable<T>(Result<Option<T>, InvalidVariable>);

/// A variable that is not text. It must not count as unset: another credential or name would be used instead.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error("the environment variable {name} is not valid UTF-8. Correct it, or unset it")]
pub(crate) struct InvalidVariable {
    name: &'static str,
}

impl Environment {
    pub(crate) fn read() -> Self {
        let folder = |name| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        // The XDG base directory specification says to ignore a relative path.
        let state_home = folder("XDG_STATE_HOME").filter(|path| path.is_absolute());
        Self {
            auth_key: Variable::read("ZTNA_AUTH_KEY", |text| Secret::from_text(&text)),
            api_key: Variable::read("QZ_API_KEY", |text| Secret::from_text(&text)),
            host_name: Variable::read("ZTNA_HOSTNAME", |name| (!name.is_empty()).then_some(name)),
            state_home: state_home.or_else(|| Some(folder("HOME")?.join(".local/state"))),
        }
    }
}

impl<T> Variable<T> {
    /// Returns the value; `None` if the variable is unset or empty.
    pub(crate) fn get(&self) -> Result<Option<&T>, InvalidVariable> {
        self.0.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    fn read(name: &'static str, parse: impl FnOnce(String) -> Option<T>) -> Self {
        Self::parse(name, std::env::var_os(name), parse)
    }

    fn parse(name: &'static str, text: Option<OsString>, parse: impl FnOnce(String) -> Option<T>) -> Self {
        let text = text.map(OsString::into_string).transpose();
        Self(text.map(|text| text.and_then(parse)).map_err(|_| InvalidVariable { name }))
    }
}

impl<T> Default for Variable<T> {
    fn default() -> Self {
        Self(Ok(None))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn variable_that_is_not_text_is_not_unset() {
        let read = |text: Option<&[u8]>| {
            let text = text.map(|text| OsString::from_vec(text.to_vec()));
            Variable::parse("ZTNA_AUTH_KEY", text, |text| Secret::from_text(&text))
        };
        assert_eq!(read(None).get(), Ok(None));
        assert_eq!(read(Some(b" ")).get(), Ok(None));
        assert_eq!(read(Some(b"key\n")).get(), Ok(Secret::from_text("key").as_ref()));
        assert_eq!(read(Some(b"k\xffy")).get(), Err(InvalidVariable { name: "ZTNA_AUTH_KEY" }));
    }
}
