//! Resolves what a profile refers to: environment variables, files, certificates and the agent's program.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use reqwest::Certificate;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::exchange::Tls;
use crate::program_path::find_in_path;
use crate::targets::agent::{AgentCommand, AgentWords};
use crate::targets::credential::Credential;
use crate::targets::dashboard::Account;
use crate::targets::environment::TerraformProvider;
use harness_model::scenario::model::{Capability, Identity};
use harness_model::source::diagnostic::{Diagnostic, Severity};

use super::content::{TokenSource, token_key};
use super::loaded::{Profile, ProfileError};

/// The resources that a profile refers to.
#[derive(Debug)]
pub struct Resources {
    pub(in crate::targets) credentials: BTreeMap<Identity, Credential>,
    pub(in crate::targets) tls: Tls,
    pub(in crate::targets) agent: Option<AgentCommand>,
    pub(in crate::targets) terraform: Option<TerraformProvider>,
    pub(in crate::targets) accounts: BTreeMap<Identity, Account>,
}

impl Profile {
    /// Resolves what it refers to: environment variables, files, certificates and the agent's program.
    ///
    /// # Errors
    /// Something is missing or invalid; the error has all of it.
    pub fn resolve(&self) -> Result<Resources, ProfileError> {
        resolve(self).map_err(|diagnostics| ProfileError::of(diagnostics, &self.source))
    }
}

/// Resolves everything that the profile refers to.
///
/// # Errors
/// Everything that is missing or invalid.
fn resolve(profile: &Profile) -> Result<Resources, Vec<Diagnostic>> {
    let mut resolver = Resolver { profile, problems: Vec::new() };
    let mut credentials = BTreeMap::new();
    for (identity, source) in &profile.content.tokens {
        let credential = resolver.credential(*identity, source);
        credentials.extend(credential.map(|credential| (*identity, credential)));
    }
    let tls = resolver.tls();
    let agent = resolver.agent();
    let terraform = resolver.terraform();
    let accounts = resolver.accounts();
    match resolver.problems.is_empty() {
        true => Ok(Resources { credentials, tls, agent, accounts, terraform }),
        false => Err(resolver.problems),
    }
}

struct Resolver<'a> {
    profile: &'a Profile,
    problems: Vec<Diagnostic>,
}

impl Resolver<'_> {
    fn problem(&mut self, key: &str, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(self.profile.error(key, message.into(), help.into()));
    }

    fn credential(&mut self, identity: Identity, source: &TokenSource) -> Option<Credential> {
        let key = token_key(identity);
        Some(match source {
            TokenSource::Inline(token) => Credential::Fixed(token.clone()),
            TokenSource::Env(variable) => Credential::Fixed(self.variable(&key, variable)?),
            TokenSource::File(file) => {
                let path = self.beside(file);
                match std::fs::read_to_string(&path) {
                    Ok(_) => Credential::File(path),
                    Err(cause) => {
                        let message = format!("{key}: failed to read {}: {cause}", path.display());
                        self.problem(
                            &key,
                            message,
                            "write the token into this file; paths are relative to the profile",
                        );
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

    /// Reads a variable. One that is not set is only a warning for `lint`: it may be set where the run takes place.
    fn variable(&mut self, key: &str, variable: &str) -> Option<String> {
        match std::env::var(variable) {
            Ok(value) if !value.trim().is_empty() => Some(value.trim().to_owned()),
            _ => {
                self.problem(
                    key,
                    format!("{variable}, which {key} reads, is not set"),
                    format!("export {variable}=… before the run"),
                );
                if let Some(problem) = self.problems.last_mut() {
                    problem.severity = Severity::Warning;
                }
                None
            }
        }
    }

    /// Returns who can sign in to the dashboard with a password.
    fn accounts(&mut self) -> BTreeMap<Identity, Account> {
        let content = &self.profile.content;
        let Some(dashboard) = &content.dashboard else { return BTreeMap::new() };
        let logins = content.tokens.iter().filter_map(|(identity, source)| match source {
            TokenSource::Login(login) => Some((identity, login)),
            _ => None,
        });
        // The dashboard's own come last: they win.
        let logins: Vec<_> = logins.chain(&dashboard.accounts).collect();
        let mut accounts = BTreeMap::new();
        for (identity, login) in logins {
            if let Some(password) = self.variable("dashboard", &login.password_env) {
                accounts.insert(*identity, Account { email: login.email.clone(), password });
            }
        }
        accounts
    }

    fn tls(&mut self) -> Tls {
        let files = &self.profile.content.tls;
        let mut tls = Tls { accepts_any_name: files.check_name == Some(false), ..Tls::default() };
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
                        "tls.client_certificate and tls.client_key are not a certificate with its key",
                        "both must be PEM files: BEGIN CERTIFICATE, and BEGIN PRIVATE KEY without a password",
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
            Ok(certificates) if certificates.is_empty() => "contains no certificate".to_owned(),
            Ok(certificates) => match certificates.iter().find_map(|der| store.add(der.clone()).err()) {
                Some(error) => format!("contains an invalid certificate: {error}"),
                None => return Certificate::from_pem_bundle(&pem).unwrap_or_default(),
            },
            Err(error) => format!("is not a PEM file: {error}"),
        };
        let message = format!("tls.ca: {} {problem}", self.beside(file).display());
        self.problem(
            "tls.ca",
            message,
            "set it to a PEM file with the certificates of the authorities to trust",
        );
        Vec::new()
    }

    fn pem(&mut self, key: &str, file: &Path) -> Option<Vec<u8>> {
        let path = self.beside(file);
        match std::fs::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(cause) => {
                let message = format!("{key}: failed to read {}: {cause}", path.display());
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
            words: AgentWords::of(&agent.words),
            login_code: agent.code.clone(),
        })
    }

    fn terraform(&mut self) -> Option<TerraformProvider> {
        let terraform = self.profile.content.terraform.as_ref()?;
        let program = self.program("terraform.provider", Path::new(".").join(&terraform.provider).into())?;
        Some(TerraformProvider {
            program: program.into(),
            endpoint: terraform.endpoint.clone(),
            api_key: terraform.api_key.clone(),
        })
    }

    /// Locates a program. A relative path with a slash is relative to the profile; a bare name is looked up in `PATH`.
    fn program(&mut self, key: &str, program: OsString) -> Option<OsString> {
        let path = Path::new(&program);
        let located = if path.components().count() < 2 || path.is_absolute() {
            program
        } else {
            let beside = self.beside(path);
            std::path::absolute(&beside).unwrap_or(beside).into_os_string()
        };
        if exists(&located) {
            return Some(located);
        }
        let message = format!("{key}: program not found: `{}`", located.to_string_lossy());
        self.problem(key, message, "use an absolute path, or one relative to the profile's folder");
        None
    }

    fn beside(&self, file: &Path) -> PathBuf {
        self.profile.path.parent().unwrap_or(Path::new("")).join(file)
    }
}

/// Whether the file exists, or a bare name is found in `PATH`.
fn exists(program: &OsStr) -> bool {
    let path = Path::new(program);
    path.is_file() || path.components().count() == 1 && find_in_path(path).is_some()
}
