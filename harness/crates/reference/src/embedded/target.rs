//! The reference inside this process, started for each sub-test.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::future::BoxFuture;
use harness_model::scenario::model::Capability;
use harness_model::target::TargetDescription;
use harness_runner::browser;
use harness_runner::exchange::ClientSettings;
use harness_runner::targets::namespace::{Network, TunError, check_tun_devices};
use harness_runner::targets::profile::Installer;
use harness_runner::targets::{
    AddressBlock, AgentCommand, Dashboard, EnvironmentFacts, EnvironmentNeeds, OrganisationLimit, Target,
    TargetError, TerraformProvider, TestEnvironment, WITHOUT_TUN, host_tool, lacking_host_name,
};
use mock_server::app::{self, Config, Fixture};
use reqwest::Url;
use tokio::sync::OnceCell;

use crate::ReferenceError;
use crate::front_proxy::FrontProxy;

use super::control_plane::EmbeddedControlPlane;
use super::database::{DatabaseOptions, Databases};
use super::program::{agent_command, config};

/// `machine_limit` of the fixture's second organisation.
pub(crate) const OTHER_ORG_MACHINES: u32 = 3;
/// Its agents answer within milliseconds.
const SILENCE: Duration = Duration::from_millis(300);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);

/// Starts a control plane of the reference for each sub-test.
#[derive(Clone, Default)]
pub struct Embedded {
    /// Read once, since its passwords are hashed then.
    fixture: Arc<OnceCell<Fixture>>,
    /// Whether agents can have TUN devices; determined once.
    tun: Arc<OnceLock<Result<(), TunError>>>,
    front: Option<Arc<dyn FrontProxy>>,
    databases: Databases,
}

impl Embedded {
    /// Control planes on this database instead of one in memory.
    ///
    /// # Errors
    /// The database is not supported or cannot be reached.
    pub async fn on(database: DatabaseOptions<'_>) -> Result<Self, ReferenceError> {
        Ok(Self { databases: Databases::open(database).await?, ..Self::default() })
    }

    /// The same target with a proxy in front of each control plane.
    pub fn behind(&self, front: Arc<dyn FrontProxy>) -> Self {
        Self { front: Some(front), ..self.clone() }
    }

    fn tun(&self) -> &Result<(), TunError> {
        self.tun.get_or_init(check_tun_devices)
    }

    fn terraform_provider(&self) -> Option<TerraformProvider> {
        terraform_provider(self.front.as_deref())
    }

    async fn start(&self, needs: EnvironmentNeeds) -> Result<TestEnvironment, TargetError> {
        let fixture = self.fixture.get_or_try_init(read_fixture).await?.clone();
        // The kit approves device logins at once, so agents may poll without a pause.
        let front = self.front.as_deref();
        let database = self.databases.create().await.map_err(|error| TargetError::Start(error.into()))?;
        let mut servers = Vec::new();
        for _ in 0..self.databases.replicas() {
            let config = Config {
                device_poll_interval: Some(Duration::ZERO),
                database: database.location.clone(),
                ..config(fixture.clone(), front, needs.installs)
            };
            servers.push(app::start(config).await.map_err(|error| TargetError::Start(error.into()))?);
        }
        let plane = EmbeddedControlPlane::start(front, servers, Some(database), app::DEFAULT_LISTEN).await;
        let plane = plane.map_err(|error| TargetError::Start(error.into()))?;
        let base_url = Url::parse(plane.base_url()).map_err(|error| TargetError::Start(error.into()))?;
        let network = match needs.tun {
            true => Some(Network::around(&base_url).map_err(|error| TargetError::Start(error.into()))?),
            false => None,
        };
        let up_flags = if needs.tun { Vec::new() } else { vec![WITHOUT_TUN.to_owned()] };
        let ready = plane.ready();
        let dashboard = base_url.clone();
        let facts = EnvironmentFacts {
            settings: ClientSettings::plain(base_url.clone(), CONNECT_TIMEOUT, TIMEOUT),
            base_url,
            org: ready.org_id.clone(),
            other_org: ready.other_org_id.clone(),
            quota: ready
                .other_org_id
                .clone()
                .map(|org| OrganisationLimit { org, machines: OTHER_ORG_MACHINES }),
            address: plane.address().ip().to_string(),
            agent: Some(AgentCommand { up_flags, ..agent_command(front) }),
            network,
            addresses: AddressBlock::LOOPBACK,
            listen: Ipv4Addr::LOCALHOST,
            settle: None,
            installer: Installer::default(),
            terraform: terraform_provider(front),
            dashboard: Arc::new(Dashboard::at(dashboard).waiting_on("/api/changes")),
            silence: SILENCE,
        };
        Ok(TestEnvironment::new(facts, Box::new(plane)))
    }
}

impl Target for Embedded {
    fn description(&self) -> TargetDescription {
        let mut capabilities = BTreeSet::from([
            Capability::Agent,
            Capability::Cidr,
            Capability::ClaimTags,
            Capability::Clock,
            Capability::AccessRules,
            Capability::Heartbeat,
            Capability::Organisations,
            Capability::Fresh,
            Capability::Quota,
            Capability::Wire,
        ]);
        if cfg!(target_os = "linux") {
            // Other systems have a single loopback address.
            capabilities.insert(Capability::Addresses);
        }
        if lacking_host_name().is_none() {
            capabilities.insert(Capability::HostName);
        }
        if self.tun().is_ok() {
            capabilities.insert(Capability::Tun);
        }
        let tools = host_tool::present();
        capabilities.extend(
            tools.filter(|tool| *tool != Capability::Terraform || self.terraform_provider().is_some()),
        );
        if browser::lacking().is_none() {
            capabilities.insert(Capability::Dashboard);
        }
        let deviating = self.front.as_ref().map(|front| front.description());
        TargetDescription {
            name: match (&deviating, self.databases.description()) {
                (Some(deviating), _) => format!("reference, deviating ({})", deviating.id),
                (None, Some(databases)) => format!("reference ({databases})"),
                (None, None) => "reference".to_owned(),
            },
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            base_url: None,
            reference: true,
            capabilities,
            missing_sessions: Default::default(),
            absent: Default::default(),
            refusal: Default::default(),
            deviating,
        }
    }

    /// Capabilities that this machine keeps it from having, and why.
    fn lacking(&self) -> BTreeMap<Capability, String> {
        let tun = self.tun().as_ref().err();
        let tun = tun.map(|missing| (Capability::Tun, format!("a TUN device, which takes root: {missing}")));
        let mut lacking = host_tool::lacking();
        if self.terraform_provider().is_none() {
            let why = "the Terraform provider beside the kit (cargo build -p terraform-provider-quickztna --bins --examples)";
            lacking.entry(Capability::Terraform).or_insert_with(|| why.to_owned());
        }
        lacking.extend(tun.into_iter().chain(lacking_host_name()).chain(browser::lacking()));
        lacking
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn max_concurrency(&self) -> Option<usize> {
        self.databases.max_concurrency()
    }

    fn environment(
        self: Arc<Self>,
        needs: EnvironmentNeeds,
    ) -> BoxFuture<'static, Result<TestEnvironment, TargetError>> {
        Box::pin(async move { self.start(needs).await })
    }
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Embedded")
    }
}

async fn read_fixture() -> Result<Fixture, TargetError> {
    let reading = tokio::task::spawn_blocking(Fixture::built_in).await;
    match reading {
        Ok(Ok(fixture)) => Ok(fixture),
        Ok(Err(error)) => Err(TargetError::Start(error.into())),
        Err(error) => Err(TargetError::Start(error.into())),
    }
}

/// The reference's own provider, or the one with the defect that stands in front, if it was built beside this program.
fn terraform_provider(front: Option<&dyn FrontProxy>) -> Option<TerraformProvider> {
    let beside = |name: &str| Some(std::env::current_exe().ok()?.with_file_name(name));
    let program = match front.and_then(FrontProxy::terraform_provider) {
        Some(deviating) => beside("examples")?.join(deviating),
        None => beside("terraform-provider-quickztna")?,
    };
    program.is_file().then(|| TerraformProvider {
        program,
        endpoint: "QZ_ENDPOINT".to_owned(),
        api_key: "QZ_API_KEY".to_owned(),
    })
}
