//! The environment variables that the agent reads besides those that set an option.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::secret::Secret;

#[derive(Debug, Default)]
pub(crate) struct Environment {
    /// `ZTNA_AUTH_KEY`, the key that `ztna up` registers with, or the content of the file `ZTNA_AUTH_KEY_FILE`.
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

/// A variable that cannot be used. It must not count as unset: another credential or name would be used instead.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub(crate) enum InvalidVariable {
    #[error("the environment variable {name} is not valid UTF-8. Correct it, or unset it")]
    NotText { name: &'static str },
    #[error("cannot read {path}: {cause}. Correct the environment variable {name}, or unset it")]
    File { name: &'static str, path: String, cause: String },
}

impl Environment {
    pub(crate) fn read() -> Self {
        let folder = |name| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        // The XDG base directory specification says to ignore a relative path.
        let state_home = folder("XDG_STATE_HOME").filter(|path| path.is_absolute());
        Self {
            auth_key: auth_key(),
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
        Self(text.map(|text| text.and_then(parse)).map_err(|_| InvalidVariable::NotText { name }))
    }
}

/// Secrets of containers are files. A key that is given as such comes first.
fn auth_key() -> Variable<Secret> {
    const FILE: &str = "ZTNA_AUTH_KEY_FILE";
    let given = Variable::read("ZTNA_AUTH_KEY", |text| Secret::from_text(&text));
    match (&given.0, std::env::var_os(FILE).filter(|path| !path.is_empty())) {
        (Ok(None), Some(path)) => Variable(read_key(FILE, Path::new(&path))),
        _ => given,
    }
}

fn read_key(name: &'static str, path: &Path) -> Result<Option<Secret>, InvalidVariable> {
    let text = std::fs::read_to_string(path).map_err(|cause| InvalidVariable::File {
        name,
        path: path.display().to_string(),
        cause: cause.to_string(),
    })?;
    Ok(Secret::from_text(text.trim()))
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
    fn a_key_is_read_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let message = read_key("ZTNA_AUTH_KEY_FILE", &file).unwrap_err().to_string();
        assert!(message.contains("ZTNA_AUTH_KEY_FILE") && message.contains("key"), "{message}");
        std::fs::write(&file, "tskey\n").unwrap();
        assert_eq!(read_key("", &file), Ok(Secret::from_text("tskey")));
        std::fs::write(&file, "").unwrap();
        assert_eq!(read_key("", &file), Ok(None));
    }

    #[test]
    fn variable_that_is_not_text_is_not_unset() {
        let read = |text: Option<&[u8]>| {
            let text = text.map(|text| OsString::from_vec(text.to_vec()));
            Variable::parse("ZTNA_AUTH_KEY", text, |text| Secret::from_text(&text))
        };
        assert_eq!(read(None).get(), Ok(None));
        assert_eq!(read(Some(b" ")).get(), Ok(None));
        assert_eq!(read(Some(b"key\n")).get(), Ok(Secret::from_text("key").as_ref()));
        assert_eq!(read(Some(b"k\xffy")).get(), Err(InvalidVariable::NotText { name: "ZTNA_AUTH_KEY" }));
    }
}
