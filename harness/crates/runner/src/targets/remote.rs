//! A deployed implementation that all sub-tests share.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::Url;
use reqwest::header::HeaderMap;

use crate::browser;
use crate::exchange::{Caller, ClientSettings, Pace, PreparedRequest, Rate, Tls, joined, send};
use harness_model::check::evidence::Exchange;
use harness_model::scenario::model::{Capability, Identity};
use harness_model::scenario::undocumented::{UNDOCUMENTED, Undocumented};
use harness_model::target::TargetDescription;

use super::agent::AgentCommand;
use super::control_plane::ControlPlane;
use super::dashboard::{Account, Dashboard};
use super::environment::{
    AddressBlock, EnvironmentFacts, OrganisationLimit, TerraformProvider, TestEnvironment,
};
use super::error::{Cause, ProfileSettingError, TargetError};
use super::paths::KEY_LIST;
use super::pointers::Pointers;
use super::post::post_json;
use super::preflight::{self, Finding, Preflight, PreflightScope, State};
use super::probe::Probe;
use super::profile::{Content, Profile, ProfileNotes, Resources};
use super::sessions::Sessions;
use super::target::{EnvironmentNeeds, Target, lacking_host_name};
use super::{host_name, host_tool};

/// The target that a profile describes.
#[derive(Debug)]
pub struct Remote {
    profile: Arc<Profile>,
    agent: Option<AgentCommand>,
    terraform: Option<TerraformProvider>,
    settings: ClientSettings,
    /// What probes have found to be absent.
    absent: OnceLock<BTreeSet<Undocumented>>,
    sessions: Sessions,
    /// The people's credentials for the dashboard.
    accounts: BTreeMap<Identity, Account>,
    dashboard: Arc<Dashboard>,
}

impl Remote {
    /// Creates a target from a profile and the resources that the profile refers to.
    pub fn new(profile: Profile, resources: Resources) -> Self {
        let Resources { credentials, tls, agent, accounts, terraform } = resources;
        let profile = Arc::new(profile);
        let settings = settings(&profile, tls);
        let sessions = Sessions::new(Arc::clone(&profile), settings.clone(), credentials);
        let dashboard = Arc::new(dashboard(&profile));
        Self { profile, agent, terraform, settings, absent: OnceLock::new(), sessions, accounts, dashboard }
    }

    fn pointers(&self) -> &Pointers {
        &self.profile.content.pointers
    }

    async fn check_reachable(&self) -> Result<(), TargetError> {
        let unreachable = |cause| TargetError::Unreachable { base_url: self.base_url().to_string(), cause };
        let probe = PreparedRequest {
            method: reqwest::Method::GET,
            url: joined(self.base_url(), KEY_LIST),
            headers: HeaderMap::new(),
            body: None,
            from: None,
        };
        // No retries: an unreachable target is reported at once.
        let settings = ClientSettings { retries_reads: false, ..self.settings.clone() };
        let caller = Caller::new(&settings, None).map_err(unreachable)?;
        // Any response will do. The endpoint is a documented one: servers may close the connection for unknown paths.
        let response = send(&caller, &probe).await.map_err(unreachable)?;
        if let Some(elsewhere) = redirected_base_url(&response, &probe.url) {
            return Err(TargetError::Moved {
                base_url: self.base_url().to_string(),
                elsewhere,
                profile: self.profile.place("base_url"),
            });
        }
        Ok(())
    }

    /// Examines whether the profile fits the target, as far as it is needed. Nothing is examined after a mistake that
    /// all the rest depends on.
    pub async fn examine(&self, scope: &PreflightScope) -> Vec<Finding> {
        let subject = "connection".to_owned();
        if let Err(error) = self.check_reachable().await {
            return vec![Finding { subject, state: State::wrong("base_url", &error.to_string()) }];
        }
        let reached = Finding { subject, state: State::Right(format!("{} answers", self.base_url())) };
        let mut findings = vec![reached];
        findings.extend(self.examine_sessions(scope).await);
        findings
    }

    async fn examine_sessions(&self, scope: &PreflightScope) -> Vec<Finding> {
        if scope.needs.sessions.contains(&Identity::Admin) && !self.sessions.knows(Identity::Admin) {
            return vec![preflight::without_admin(&self.profile)];
        }
        let Self { profile, sessions, settings, .. } = self;
        match Caller::new(settings, None) {
            Ok(caller) => {
                let preflight = Preflight { profile, sessions, caller: &caller, key_name: &scope.key_name };
                preflight.examine(&scope.needs).await
            }
            Err(error) => {
                vec![Finding { subject: "TLS".to_owned(), state: State::wrong("tls", &error.to_string()) }]
            }
        }
    }

    /// Returns what the profile declares, and what this host gives to any agent.
    fn capabilities(&self) -> BTreeSet<Capability> {
        let mut capabilities = self.profile.capabilities.clone();
        let agent = self.profile.content.agent.as_ref();
        if capabilities.contains(&Capability::Agent)
            && agent.is_some_and(|agent| agent.sees_host_name)
            && host_name::check().is_ok()
        {
            capabilities.insert(Capability::HostName);
        }
        // A tool counts for the targets that it can do something with.
        let declares_terraform = capabilities.remove(&Capability::Terraform);
        // Without curl on this host the documented line would fail, and the target would be blamed.
        if host_tool::lacking().contains_key(&Capability::Installer) {
            capabilities.remove(&Capability::Installer);
        }
        let is_installed = capabilities.contains(&Capability::Installer);
        capabilities.extend(host_tool::present().filter(|tool| match tool {
            Capability::Terraform => declares_terraform,
            _ => is_installed,
        }));
        if browser::lacking().is_some() {
            capabilities.remove(&Capability::Dashboard);
        }
        capabilities
    }

    /// Returns the identities without a session. Without an admin nothing can be judged, so its absence is a mistake.
    fn missing_sessions(&self) -> BTreeSet<Identity> {
        let optional = [Identity::Owner, Identity::Member, Identity::Outsider];
        optional.into_iter().filter(|identity| !self.sessions.knows(*identity)).collect()
    }

    /// Calls the reset hook, if there is one, and forgets the sessions that may have ended with it.
    async fn run_reset_hook(&self) -> Result<(), TargetError> {
        let Some(hook) = &self.profile.content.hooks.reset else { return Ok(()) };
        post_json(&self.settings, self.hook(hook), None, &serde_json::json!({}))
            .await
            .map_err(|cause| TargetError::Reset(self.failed("hooks.reset", cause)))?;
        self.sessions.forget().await;
        Ok(())
    }

    fn mistake(&self, key: &str, error: &TargetError) -> TargetError {
        let state = State::wrong(key, &error.to_string());
        let finding = Finding { subject: key.to_owned(), state };
        TargetError::Profile(Box::new(preflight::notes(&self.profile, &[finding])))
    }

    async fn advance(&self, duration: Duration) -> Result<(), TargetError> {
        let Some(hook) = &self.profile.content.hooks.clock else {
            return Err(TargetError::Clock(self.missing("hooks.clock")));
        };
        let body = serde_json::json!({ "advance_seconds": duration.as_secs() });
        post_json(&self.settings, self.hook(hook), None, &body)
            .await
            .map_err(|cause| TargetError::Clock(self.failed("hooks.clock", cause)))?;
        self.sessions.forget().await;
        Ok(())
    }

    /// Asks once for what the profile does not declare either way. If a probe fails, sub-tests will fail in the same way
    /// and report it.
    async fn find_absent(self: Arc<Self>) {
        let declared = &self.profile.content.undocumented;
        let all = UNDOCUMENTED.map(|(undocumented, _)| undocumented);
        let undeclared: Vec<Undocumented> =
            all.into_iter().filter(|undocumented| !declared.contains_key(undocumented)).collect();
        let known = [Identity::Admin, Identity::Owner].into_iter().find(|one| self.sessions.knows(*one));
        let Some(identity) = known.filter(|_| !undeclared.is_empty() && self.absent.get().is_none()) else {
            return;
        };
        let Ok(environment) = Arc::clone(&self).environment(EnvironmentNeeds::default()).await else {
            return;
        };
        let Ok(probe) = Probe::new(&environment, identity, self.pointers().refusal()) else { return };
        if let Ok(found) = probe.absent(undeclared).await {
            self.absent.get_or_init(|| found);
        }
    }

    /// Returns what the target lacks, as far as it is declared or has been found.
    fn absent(&self) -> BTreeSet<Undocumented> {
        let declared = self.profile.content.undocumented.iter();
        let declared = declared.filter(|(_, is_there)| !**is_there).map(|(undocumented, _)| *undocumented);
        declared.chain(self.absent.get().into_iter().flatten().copied()).collect()
    }

    fn missing(&self, key: &str) -> Cause {
        ProfileSettingError::Missing { key: key.to_owned(), profile: self.profile.place(key) }.into()
    }

    fn failed(&self, key: &str, cause: impl Into<Cause>) -> Cause {
        let profile = self.profile.place(key);
        ProfileSettingError::Failed { cause: cause.into(), key: key.to_owned(), profile }.into()
    }

    fn base_url(&self) -> &Url {
        &self.profile.base_url
    }

    fn hook(&self, hook: &str) -> Url {
        Url::parse(hook).unwrap_or_else(|_| joined(self.base_url(), hook))
    }
}

impl Target for Remote {
    fn lacking(&self) -> BTreeMap<Capability, String> {
        // A target without a dashboard lacks that first.
        let has_dashboard = self.profile.capabilities.contains(&Capability::Dashboard);
        let mut lacking = host_tool::lacking();
        if !self.profile.capabilities.contains(&Capability::Installer) {
            lacking.remove(&Capability::Installer);
        }
        lacking.extend(browser::lacking().filter(|_| has_dashboard));
        let agent = self.profile.content.agent.as_ref();
        if agent.is_some_and(|agent| !agent.sees_host_name) {
            let why = "a host name for each machine, which the agent does not see (agent.sees_host_name)";
            lacking.insert(Capability::HostName, why.to_owned());
        } else {
            lacking.extend(lacking_host_name());
        }
        if self.terraform.is_none() {
            lacking.remove(&Capability::Terraform);
        }
        lacking
    }

    fn description(&self) -> TargetDescription {
        let content = &self.profile.content;
        TargetDescription {
            name: content.name.clone(),
            version: content.version.clone(),
            base_url: Some(self.profile.base_url.to_string()),
            reference: content.reference,
            capabilities: self.capabilities(),
            missing_sessions: self.missing_sessions(),
            absent: self.absent(),
            refusal: self.pointers().refusal(),
            deviating: None,
        }
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn max_concurrency(&self) -> Option<usize> {
        self.profile.content.limits.concurrency.and_then(|most| usize::try_from(most.get()).ok())
    }

    fn time_limit(&self) -> Option<Duration> {
        Some(self.profile.content.timeouts.subtest)
    }

    fn retries(&self) -> u64 {
        self.settings.pace.retries()
    }

    fn can_approve_logins(&self) -> bool {
        self.profile.content.hooks.approve.is_some()
    }

    fn preflight<'a>(
        &'a self,
        scope: &'a PreflightScope,
    ) -> BoxFuture<'a, Result<ProfileNotes, TargetError>> {
        Box::pin(async {
            self.check_reachable().await.map_err(|error| self.mistake("base_url", &error))?;
            self.run_reset_hook().await.map_err(|error| self.mistake("hooks.reset", &error))?;
            let notes = preflight::notes(&self.profile, &self.examine_sessions(scope).await);
            if notes.has_errors() { Err(TargetError::Profile(Box::new(notes))) } else { Ok(notes) }
        })
    }

    fn reset(&self) -> BoxFuture<'_, Result<(), TargetError>> {
        Box::pin(self.run_reset_hook())
    }

    fn probe(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.find_absent())
    }

    fn environment(
        self: Arc<Self>,
        _needs: EnvironmentNeeds,
    ) -> BoxFuture<'static, Result<TestEnvironment, TargetError>> {
        let content = &self.profile.content;
        let mut settings = self.settings.clone();
        settings.pace = settings.pace.for_subtest();
        let facts = EnvironmentFacts {
            base_url: self.base_url().clone(),
            org: content.org_id.clone(),
            other_org: content.other_org_id.clone(),
            quota: content
                .quota
                .as_ref()
                .map(|quota| OrganisationLimit { org: quota.org_id.clone(), machines: quota.limit }),
            address: content.address.clone().unwrap_or_else(|| own_address(self.base_url())),
            agent: self.agent.clone(),
            settings,
            network: None,
            addresses: AddressBlock::LOOPBACK,
            listen: Ipv4Addr::LOCALHOST,
            settle: content.timeouts.settle,
            installer: content.installer.clone().unwrap_or_default(),
            terraform: self.terraform.clone(),
            dashboard: Arc::clone(&self.dashboard),
            silence: content.timeouts.silence,
        };
        Box::pin(async { Ok(TestEnvironment::new(facts, Box::new(SharedControlPlane(self)))) })
    }
}

/// The implementation as one of its sub-tests sees it.
#[derive(Debug)]
struct SharedControlPlane(Arc<Remote>);

impl ControlPlane for SharedControlPlane {
    fn is_private(&self) -> bool {
        false
    }

    fn knows(&self, identity: Identity) -> bool {
        self.0.sessions.knows(identity)
    }

    fn account(&self, identity: Identity) -> Option<Account> {
        self.0.accounts.get(&identity).cloned()
    }

    fn token(&self, identity: Identity) -> BoxFuture<'_, Result<String, TargetError>> {
        Box::pin(self.0.sessions.token(identity))
    }

    fn renew<'a>(
        &'a self,
        identity: Identity,
        refused: &'a str,
    ) -> BoxFuture<'a, Result<String, TargetError>> {
        Box::pin(self.0.sessions.renew(identity, refused))
    }

    fn redirect(&self, url: &mut Url) {
        let base_url = self.0.base_url();
        let paths = &self.0.profile.content.paths;
        let path = paths.origin(base_url, url).to_owned();
        self.0.pointers().rename_columns(&path, url);
        paths.redirect(base_url, url);
    }

    fn adapt(&self, exchange: &mut Exchange) {
        let pointers = self.0.pointers();
        if pointers.is_empty() {
            return;
        }
        let Ok(url) = Url::parse(&exchange.url) else { return };
        let path = self.0.profile.content.paths.origin(self.0.base_url(), &url);
        pointers.apply(path, exchange);
    }

    fn has_clock(&self) -> bool {
        self.0.profile.capabilities.contains(&Capability::Clock)
    }

    fn advance(&self, duration: Duration) -> BoxFuture<'_, Result<(), TargetError>> {
        Box::pin(self.0.advance(duration))
    }

    fn approval_endpoint(&self) -> Result<Url, TargetError> {
        match &self.0.profile.content.hooks.approve {
            Some(hook) => Ok(self.0.hook(hook)),
            None => Err(TargetError::Approval(self.0.missing("hooks.approve"))),
        }
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

/// Returns where the profile says that the dashboard is; in the documents' own words if it says nothing.
fn dashboard(profile: &Profile) -> Dashboard {
    let at = Dashboard::at(profile.base_url.clone());
    let Some(content) = &profile.content.dashboard else { return at };
    Dashboard {
        url: content.url.as_ref().and_then(|url| Url::parse(url).ok()).unwrap_or(at.url),
        words: content.words.clone(),
        paths: content.paths.clone(),
        sign_in: content.sign_in.clone(),
        waits: content.waits.clone(),
    }
}

fn settings(profile: &Profile, tls: Tls) -> ClientSettings {
    let Content { timeouts, limits, .. } = &profile.content;
    let plain = ClientSettings::plain(profile.base_url.clone(), timeouts.connect, timeouts.request);
    let asked = limits.answer_bytes.and_then(|bytes| usize::try_from(bytes.get()).ok());
    let rate = Rate { requests_per_second: limits.requests_per_second, concurrency: limits.concurrency };
    ClientSettings {
        tls,
        max_response_bytes: asked.unwrap_or(plain.max_response_bytes),
        retries_reads: true,
        pace: Pace::new(rate),
        profile: Some(profile.path.as_path().into()),
        ..plain
    }
}

/// Returns the base URL that a redirect to the same path on another server points to. Any other redirect may be the
/// target's response to a request without a session.
fn redirected_base_url(response: &Exchange, asked: &Url) -> Option<String> {
    if !(300..400).contains(&response.status) {
        return None;
    }
    let location = response.header("location")?;
    let location = asked.join(location).ok()?;
    let base = location.as_str().strip_suffix(KEY_LIST)?;
    (location.origin() != asked.origin()).then(|| base.to_owned())
}

/// Returns the local address of packets to the target. Connecting a UDP socket to find out sends nothing.
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
