//! A target profile: the TOML file of `--target`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use toml::Spanned;

use crate::scenario::diagnostic::caret;
use crate::scenario::model::{Capability, Identity, Source};

use super::{WITHOUT_TUN, identity_name};

/// A profile that was read and makes sense.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub content: Content,
    /// Where the target answers.
    pub base_url: Url,
    /// What it declares to be able to do, or what it gives the means for if it declares nothing.
    pub capabilities: BTreeSet<Capability>,
}

/// What a profile says, as it is written.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// The target's name in reports.
    pub name: String,
    /// Its version in reports.
    pub version: Option<String>,
    /// Where it answers.
    pub base_url: Spanned<String>,
    /// The organisation of admin, owner and member.
    pub org_id: String,
    /// The outsider's organisation.
    pub other_org_id: Option<String>,
    /// Where the target sees the kit, if it is behind something.
    pub address: Option<String>,
    /// Whether it is the reference, so that `ours` statements are judged.
    #[serde(default)]
    pub reference: bool,
    /// What it declares to be able to do.
    pub capabilities: Option<Vec<Spanned<Capability>>>,
    /// Where sessions come from.
    #[serde(default)]
    pub tokens: BTreeMap<Identity, Spanned<TokenSource>>,
    /// Its agent.
    pub agent: Option<Agent>,
    /// Its test hooks.
    #[serde(default)]
    pub hooks: Hooks,
    /// How long things may take.
    #[serde(default)]
    pub timeouts: Timeouts,
}

/// Where a session comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// An environment variable.
    Env(String),
    /// A file, relative to the profile.
    File(PathBuf),
    /// `POST /api/auth/login`, the password from an environment variable.
    Login(Login),
    /// The profile itself, which is warned about.
    Inline(String),
}

/// A login with a password.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Who.
    pub email: String,
    /// The variable that holds the password.
    pub password_env: String,
}

/// How the target's agent is started.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Program and first arguments, quoted as in a shell.
    pub command: Spanned<String>,
    /// More environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What `up` gets beside its words unless the profile declares `tun`, quoted as in a shell.
    #[serde(default = "without_tun")]
    pub without_tun: String,
}

/// URLs (or paths below the base URL) that the target offers to tests.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hooks {
    /// `POST {"advance_seconds": N}` moves the clock.
    pub clock: Option<String>,
    /// `POST {"user_code": "…", "approve": true}` with a session approves a device login.
    pub approve: Option<String>,
    /// `POST {}` before the run.
    pub reset: Option<String>,
}

/// How long things may take.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// Connecting.
    #[serde(deserialize_with = "duration")]
    pub connect: Duration,
    /// An exchange as a whole.
    #[serde(deserialize_with = "duration")]
    pub request: Duration,
}

/// A profile that cannot be used: a usage error.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be read.
    #[error("the target profile {path} cannot be read: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        cause: std::io::Error,
    },
    /// It says something that makes no sense.
    #[error("{message}\n{place}")]
    Wrong {
        /// What is wrong and what to do.
        message: String,
        /// The place with a caret.
        place: String,
    },
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// The file cannot be read, or says something that makes no sense.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| ProfileError::Unreadable { path: path.display().to_string(), cause })?;
        Self::parse(&Source { path: path.to_owned(), text })
    }

    /// Reads a profile's text.
    ///
    /// # Errors
    /// It says something that makes no sense.
    pub fn parse(source: &Source) -> Result<Self, ProfileError> {
        let content: Content = toml::from_str(&source.text).map_err(|error| {
            wrong(source, error.span().as_ref(), "the target profile cannot be read", error.message())
        })?;
        let base_url = base_url(&content, source)?;
        let capabilities = capabilities(&content, source)?;
        Ok(Self { path: source.path.clone(), content, base_url, capabilities })
    }

    /// Remarks for the user: tokens that stand in the file itself, tokens that may not outlive the run.
    pub fn warnings(&self) -> Vec<String> {
        let expiring = self
            .content
            .tokens
            .iter()
            .filter(|(_, source)| !matches!(source.get_ref(), TokenSource::Login(_)))
            .filter(|_| self.capabilities.contains(&Capability::Clock))
            .map(|(identity, _)| identity_name(*identity))
            .collect::<Vec<_>>();
        let expiring = (!expiring.is_empty()).then(|| {
            format!(
                "{}: the clock of {} is moved by months, and a fixed token that expires cannot be renewed; \
                 write {{ login = {{ email = \"…\", password_env = \"VARIABLE\" }} }} instead",
                expiring.iter().map(|name| format!("tokens.{name}")).collect::<Vec<_>>().join(", "),
                self.content.name
            )
        });
        self.inline_tokens().into_iter().chain(expiring).collect()
    }

    fn inline_tokens(&self) -> Vec<String> {
        let inline = self
            .content
            .tokens
            .iter()
            .filter(|(_, source)| matches!(source.get_ref(), TokenSource::Inline(_)));
        inline
            .map(|(identity, _)| {
                let name = identity_name(*identity);
                format!(
                    "tokens.{name} stands in {} itself, where everybody who reads the file sees it; \
                     write {name} = {{ env = \"VARIABLE\" }} instead",
                    self.path.display()
                )
            })
            .collect()
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), request: Duration::from_secs(10) }
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(variable) => write!(formatter, "Env({variable})"),
            Self::File(path) => write!(formatter, "File({})", path.display()),
            Self::Login(login) => write!(formatter, "Login({login:?})"),
            Self::Inline(_) => formatter.write_str("Inline(…)"),
        }
    }
}

impl<'de> Deserialize<'de> for TokenSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TokenSourceVisitor)
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum TokenTable {
    Env(String),
    File(PathBuf),
    Login(Login),
}

struct TokenSourceVisitor;

impl<'de> Visitor<'de> for TokenSourceVisitor {
    type Value = TokenSource;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "{ env = \"VARIABLE\" }, { file = \"PATH\" } or { login = { email = \"…\", password_env = \"VARIABLE\" } }",
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TokenSource, E> {
        Ok(TokenSource::Inline(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TokenSource, A::Error> {
        Ok(match TokenTable::deserialize(MapAccessDeserializer::new(map))? {
            TokenTable::Env(variable) => TokenSource::Env(variable),
            TokenTable::File(path) => TokenSource::File(path),
            TokenTable::Login(login) => TokenSource::Login(login),
        })
    }
}

fn without_tun() -> String {
    WITHOUT_TUN.to_owned()
}

fn base_url(content: &Content, source: &Source) -> Result<Url, ProfileError> {
    let written = content.base_url.get_ref();
    let problem = match Url::parse(written) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => return Ok(url),
        Ok(_) => "it must begin with http:// or https://".to_owned(),
        Err(error) => error.to_string(),
    };
    let message = format!("base_url `{written}` is no URL of a server: {problem}");
    Err(wrong(source, Some(&content.base_url.span()), "the target profile cannot be used", &message))
}

/// A declared capability must come with the means for it: otherwise its checks would all fail for the profile's sake.
fn capabilities(content: &Content, source: &Source) -> Result<BTreeSet<Capability>, ProfileError> {
    let outsider = content.tokens.contains_key(&Identity::Outsider);
    let means = [
        (Capability::Agent, content.agent.is_some(), "an [agent] with its command"),
        (Capability::Tun, content.agent.is_some(), "an [agent] with its command"),
        (Capability::Clock, content.hooks.clock.is_some(), "hooks.clock"),
        (
            Capability::Organisations,
            content.other_org_id.is_some() && outsider,
            "other_org_id and tokens.outsider",
        ),
    ];
    let Some(declared) = &content.capabilities else {
        return Ok(means
            .iter()
            // Whether its agent has a TUN device, nobody knows but the one who wrote the profile.
            .filter(|(capability, given, _)| *given && *capability != Capability::Tun)
            .map(|(capability, _, _)| *capability)
            .collect());
    };
    for capability in declared {
        if *capability.get_ref() == Capability::Fresh {
            let message = "sub-tests share this target, so none of them finds it empty";
            return Err(wrong(
                source,
                Some(&capability.span()),
                "the target profile cannot be used",
                message,
            ));
        }
        let missing = means.iter().find(|(known, given, _)| known == capability.get_ref() && !given);
        if let Some((_, _, what)) = missing {
            let message = format!("this capability needs {what}, which the profile does not have");
            return Err(wrong(
                source,
                Some(&capability.span()),
                "the target profile cannot be used",
                &message,
            ));
        }
    }
    Ok(declared.iter().map(|capability| *capability.get_ref()).collect())
}

fn wrong(source: &Source, span: Option<&Range<usize>>, what: &str, message: &str) -> ProfileError {
    let place = match span {
        Some(span) => caret(source, span, "", 100),
        None => source.path.display().to_string(),
    };
    ProfileError::Wrong { message: format!("{what}: {message}"), place }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(|error| de::Error::custom(format!("`{text}`: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Profile, ProfileError> {
        Profile::parse(&Source { path: PathBuf::from("target.toml"), text: text.to_owned() })
    }

    const LEAST: &str = "name = \"x\"\nbase_url = \"http://localhost:1\"\norg_id = \"o\"\n";

    #[test]
    fn the_example_is_right() {
        let profile = parse(include_str!("example.toml")).unwrap();
        let declared = [Capability::Agent, Capability::Clock, Capability::Organisations];
        assert_eq!(profile.capabilities, BTreeSet::from(declared));
        assert_eq!(profile.content.tokens.len(), 4);
        // The clock moves, and three tokens of it are fixed.
        assert_eq!(profile.warnings().len(), 1, "{:?}", profile.warnings());
    }

    #[test]
    fn capabilities_are_what_there_are_means_for() {
        assert!(parse(LEAST).unwrap().capabilities.is_empty());
        let with_clock = parse(&format!("{LEAST}[hooks]\nclock = \"/clock\"\n")).unwrap();
        assert_eq!(with_clock.capabilities, BTreeSet::from([Capability::Clock]));
        let agent = "[agent]\ncommand = \"ztna\"\n";
        let with_agent = parse(&format!("{LEAST}{agent}")).unwrap();
        assert_eq!(with_agent.capabilities, BTreeSet::from([Capability::Agent]));
        assert_eq!(with_agent.content.agent.unwrap().without_tun, WITHOUT_TUN);
        let with_tun = parse(&format!("{LEAST}capabilities = [\"tun\"]\n{agent}")).unwrap();
        assert_eq!(with_tun.capabilities, BTreeSet::from([Capability::Tun]));
    }

    #[test]
    fn an_inline_token_is_warned_about_and_never_shown() {
        let profile = parse(&format!("{LEAST}[tokens]\nadmin = \"very-secret\"\n")).unwrap();
        assert_eq!(profile.warnings().len(), 1);
        assert!(!format!("{profile:?}").contains("very-secret"));
    }

    #[test]
    fn mistakes_have_a_place() {
        for (more, told) in [
            ("capabilities = [\"fresh\"]\n", "none of them finds it empty"),
            ("capabilities = [\"tun\"]\n", "an [agent] with its command"),
            ("colour = 1\n", "unknown field `colour`"),
            ("[timeouts]\nrequest = \"soon\"\n", "`soon`"),
            ("[tokens]\nadmin = { enviroment = \"X\" }\n", "unknown variant `enviroment`"),
            ("[tokens]\nnobody = \"x\"\n", "unknown variant `nobody`"),
        ] {
            let message = parse(&format!("{LEAST}{more}")).unwrap_err().to_string();
            assert!(message.contains(told) && message.contains('^'), "{message}");
        }
    }
}
