//! What a profile points to: variables, files, certificates, a program.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use reqwest::Certificate;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::exchange::Tls;
use crate::targets::agent::AgentCommand;
use crate::targets::credential::Credential;
use harness_model::scenario::model::identity_name;
use harness_model::scenario::model::{Capability, Identity};
use harness_model::source::diagnostic::{Diagnostic, Severity};

use super::Profile;
use super::content::TokenSource;

/// What a run against the target needs beside the profile's text.
#[derive(Debug)]
pub struct Means {
    /// Where sessions come from.
    pub(in crate::targets) credentials: BTreeMap<Identity, Credential>,
    /// How secure connections are made.
    pub(in crate::targets) tls: Tls,
    /// How the agent is started.
    pub(in crate::targets) agent: Option<AgentCommand>,
}

/// Reads everything.
///
/// # Errors
/// Everything that is not there.
pub(super) fn gather(profile: &Profile) -> Result<Means, Vec<Diagnostic>> {
    let mut gathering = Gathering { profile, problems: Vec::new() };
    let mut credentials = BTreeMap::new();
    for (identity, source) in &profile.content.tokens {
        let credential = gathering.credential(*identity, source);
        credentials.extend(credential.map(|credential| (*identity, credential)));
    }
    let tls = gathering.tls();
    let agent = gathering.agent();
    match gathering.problems.is_empty() {
        true => Ok(Means { credentials, tls, agent }),
        false => Err(gathering.problems),
    }
}

struct Gathering<'a> {
    profile: &'a Profile,
    problems: Vec<Diagnostic>,
}

impl Gathering<'_> {
    fn problem(&mut self, key: &str, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(self.profile.error(key, message.into(), help.into()));
    }

    fn credential(&mut self, identity: Identity, source: &TokenSource) -> Option<Credential> {
        let key = format!("tokens.{}", identity_name(identity));
        Some(match source {
            TokenSource::Inline(token) => Credential::Fixed(token.clone()),
            TokenSource::Env(variable) => Credential::Fixed(self.variable(&key, variable)?),
            TokenSource::File(file) => {
                let path = self.beside(file);
                match std::fs::read_to_string(&path) {
                    Ok(_) => Credential::File(path),
                    Err(cause) => {
                        let message = format!("{key}: {} cannot be read: {cause}", path.display());
                        self.problem(&key, message, "write the token into it, relative to the profile");
                        return None;
                    }
                }
            }
            TokenSource::Command(command) => {
                let words = shell_words::split(command).unwrap_or_default();
                let mut words = words.into_iter().map(OsString::from);
                let program = self.program(&key, words.next().unwrap_or_default())?;
                Credential::Command { program, arguments: words.collect() }
            }
            TokenSource::Login(login) => {
                let password = self.variable(&key, &login.password_env)?;
                Credential::Login { email: login.email.clone(), password }
            }
        })
    }

    /// What is not set may be elsewhere, where the run will be: `lint` only warns of that.
    fn variable(&mut self, key: &str, variable: &str) -> Option<String> {
        match std::env::var(variable) {
            Ok(value) if !value.trim().is_empty() => Some(value.trim().to_owned()),
            _ => {
                self.problem(
                    key,
                    format!("{variable} is not set, but {key} reads it"),
                    format!("export {variable}=… before the run"),
                );
                if let Some(problem) = self.problems.last_mut() {
                    problem.severity = Severity::Warning;
                }
                None
            }
        }
    }

    fn tls(&mut self) -> Tls {
        let files = &self.profile.content.tls;
        let mut tls = Tls { any_name: files.check_name == Some(false), ..Tls::default() };
        if let Some(file) = &files.ca {
            tls.authorities = self.authorities(file);
        }
        if let (Some(certificate), Some(key)) = (&files.client_certificate, &files.client_key) {
            let certificate = self.pem("tls.client_certificate", certificate);
            let key = self.pem("tls.client_key", key);
            if let (Some(certificate), Some(key)) = (certificate, key) {
                let both = [key.as_slice(), b"\n", certificate.as_slice()].concat();
                match reqwest::Identity::from_pem(&both) {
                    Ok(identity) => tls.identity = Some(identity),
                    Err(_) => self.problem(
                        "tls.client_certificate",
                        "tls.client_certificate and tls.client_key are no certificate with its key",
                        "both are PEM files: BEGIN CERTIFICATE, and BEGIN PRIVATE KEY without a password",
                    ),
                }
            }
        }
        tls
    }

    fn authorities(&mut self, file: &Path) -> Vec<Certificate> {
        let Some(pem) = self.pem("tls.ca", file) else { return Vec::new() };
        let read: Result<Vec<CertificateDer<'_>>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let mut store = RootCertStore::empty();
        let problem = match &read {
            Ok(certificates) if certificates.is_empty() => "has no certificate".to_owned(),
            Ok(certificates) => match certificates.iter().find_map(|der| store.add(der.clone()).err()) {
                Some(error) => format!("has a certificate that cannot be used: {error}"),
                None => return Certificate::from_pem_bundle(&pem).unwrap_or_default(),
            },
            Err(error) => format!("is no PEM file: {error}"),
        };
        let message = format!("tls.ca: {} {problem}", self.beside(file).display());
        self.problem("tls.ca", message, "name a PEM file with the certificates of the authorities to trust");
        Vec::new()
    }

    fn pem(&mut self, key: &str, file: &Path) -> Option<Vec<u8>> {
        let path = self.beside(file);
        match std::fs::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(cause) => {
                let message = format!("{key}: {} cannot be read: {cause}", path.display());
                self.problem(key, message, "paths are relative to the profile");
                None
            }
        }
    }

    fn agent(&mut self) -> Option<AgentCommand> {
        let profile = self.profile;
        let agent = profile.content.agent.as_ref()?;
        let up_flags = match profile.capabilities.contains(&Capability::Tun) {
            true => Vec::new(),
            false => shell_words::split(&agent.without_tun).unwrap_or_default(),
        };
        let words = shell_words::split(&agent.command).unwrap_or_default();
        let mut words = words.into_iter().map(OsString::from);
        let program = self.program("agent.command", words.next().unwrap_or_default())?;
        Some(AgentCommand {
            program,
            arguments: words.collect(),
            environment: agent.env.clone().into_iter().collect(),
            up_flags,
        })
    }

    /// A program with a slash in its name is meant relative to the profile; another is looked up in PATH.
    fn program(&mut self, key: &str, program: OsString) -> Option<OsString> {
        let path = Path::new(&program);
        let located = if path.components().count() < 2 || path.is_absolute() {
            program
        } else {
            let beside = self.beside(path);
            std::path::absolute(&beside).unwrap_or(beside).into_os_string()
        };
        if is_there(&located) {
            return Some(located);
        }
        let message = format!("{key}: there is no program `{}`", located.to_string_lossy());
        self.problem(key, message, "give its path, absolute or from the profile's folder");
        None
    }

    fn beside(&self, file: &Path) -> PathBuf {
        self.profile.path.parent().unwrap_or(Path::new("")).join(file)
    }
}

/// Whether there is such a file, or one of that name in PATH.
fn is_there(program: &OsStr) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Path::new(program).is_file()
        || Path::new(program).components().count() == 1
            && std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
