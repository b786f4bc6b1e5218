//! The control plane of one sub-test in a container, with everything else that the sub-test starts.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use harness_model::scenario::model::{Identity, identity_name};
use harness_runner::exchange::{ClientSettings, joined};
use harness_runner::targets::{Account, Cause, ControlPlane, MachineHost, TargetError, post_json};
use mock_server::app::random::Random;
use mock_server::app::{Login, People};
use reqwest::Url;
use serde_json::{Value, json};
use testcontainers::bollard::Docker;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::container::{Container, Options};
use super::engine::Image;
use super::error::ContainersError;
use super::gate;
use super::loopback::Loopback;
use super::machine::Machine;
use super::network::Network;
use super::run_lock::RunLock;
use super::timeouts::{CONNECT_TIMEOUT, REQUEST_TIMEOUT};

/// The ports in the container.
const PORT: u16 = 8080;
const TEST_CONTROL_PORT: u16 = 8081;
const READY_LIMIT: Duration = Duration::from_secs(15);
const READY_INTERVAL: Duration = Duration::from_millis(10);
const LOGIN: &str = "/api/auth/login";
const APPROVE: &str = "/api/auth/device/approve";

pub(super) struct ContainedControlPlane {
    docker: Docker,
    run: Arc<RunLock>,
    network: Network,
    container: Container,
    base_url: Url,
    /// Of the test control, with its token.
    control_url: Url,
    people: People,
    loopback: Loopback,
    machines: Mutex<Vec<Arc<Machine>>>,
    gates: Mutex<Vec<Container>>,
}

impl ContainedControlPlane {
    /// Starts a network with a control plane on it. `name` distinguishes the run's sub-tests.
    pub(super) async fn start(
        docker: &Docker,
        run: &Arc<RunLock>,
        people: People,
        name: String,
    ) -> Result<Self, ContainersError> {
        let network = Network::create(docker, run, name).await?;
        let started = Self::on(docker, run, people, network.clone()).await;
        if started.is_err() {
            network.remove().await;
        }
        started
    }

    async fn on(
        docker: &Docker,
        run: &Arc<RunLock>,
        people: People,
        network: Network,
    ) -> Result<Self, ContainersError> {
        let token = hex(&Random::system().bytes::<16>());
        let any = |port: u16| format!("0.0.0.0:{port}");
        let control = any(TEST_CONTROL_PORT);
        let arguments =
            ["serve", "--listen", &any(PORT), "--test-control", "--test-control-listen", &control];
        let options = Options {
            arguments: arguments.map(str::to_owned).to_vec(),
            environment: vec![("ZTNA_TEST_CONTROL_TOKEN", token.clone())],
            ..Options::default()
        };
        let container =
            Container::start(docker, run, &network, Image::ControlPlane, "control-plane", options).await?;
        let address = container.address;
        await_ready(&container, SocketAddr::new(address, PORT)).await?;
        let loopback = Loopback::forward(SocketAddr::new(address, PORT)).await;
        let loopback = loopback.map_err(ContainersError::Loopback)?;
        Ok(Self {
            docker: docker.clone(),
            run: Arc::clone(run),
            network,
            base_url: url(address, PORT, ""),
            control_url: url(address, TEST_CONTROL_PORT, &token),
            container,
            people,
            loopback,
            machines: Mutex::default(),
            gates: Mutex::default(),
        })
    }

    pub(super) fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// Its address for the browser.
    pub(super) fn dashboard(&self) -> Url {
        self.loopback.url().unwrap_or_else(|| self.base_url.clone())
    }

    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    fn settings(&self) -> ClientSettings {
        ClientSettings::plain(self.base_url.clone(), CONNECT_TIMEOUT, REQUEST_TIMEOUT)
    }

    fn login(&self, identity: Identity) -> Option<&Login> {
        match identity {
            Identity::Admin => self.people.admin.as_ref(),
            Identity::Owner => self.people.owner.as_ref(),
            Identity::Member => self.people.member.as_ref(),
            Identity::Outsider | Identity::Limited => self.people.outsider.as_ref(),
        }
    }

    async fn log_in(&self, identity: Identity) -> Result<String, TargetError> {
        let failed = |cause: Cause| TargetError::Token { identity: identity_name(identity), cause };
        let login = self.login(identity).ok_or_else(|| failed("the fixture has no such person".into()))?;
        let body = json!({ "email": login.email, "password": login.password });
        let response = post_json(&self.settings(), joined(&self.base_url, LOGIN), None, &body).await;
        let response = response.map_err(|error| failed(error.into()))?;
        let token = response.pointer("/data/access_token").and_then(Value::as_str);
        token.map(str::to_owned).ok_or_else(|| failed("the response has no token".into()))
    }

    async fn advance_clock(&self, duration: Duration) -> Result<(), TargetError> {
        let body = json!({ "advance_seconds": duration.as_secs() });
        let advanced = post_json(&self.settings(), joined(&self.control_url, "/clock"), None, &body).await;
        // The URL contains the token.
        advanced.map(drop).map_err(|_| TargetError::Clock("the test control refused it".into()))
    }

    async fn start_machine(&self, host_name: &str) -> Result<Arc<dyn MachineHost>, ContainersError> {
        let machine = Arc::new(Machine::start(&self.docker, &self.run, &self.network, host_name).await?);
        self.machines.lock().await.push(Arc::clone(&machine));
        Ok(machine)
    }

    async fn open_gate(&self, from: IpAddr) -> Result<SocketAddr, ContainersError> {
        let control_plane = SocketAddr::new(self.container.address, PORT);
        let (container, gate) =
            gate::open(&self.docker, &self.run, &self.network, from, control_plane).await?;
        self.gates.lock().await.push(container);
        await_listening(gate).await;
        Ok(gate)
    }

    async fn collect_logs(&self) -> Vec<(String, String)> {
        let machines = self.machines.lock().await;
        let machines = machines.iter().map(|machine| machine.container());
        let containers = std::iter::once(&self.container).chain(machines);
        let logs = containers.map(async |container| (container.name.clone(), container.logs().await));
        join_all(logs).await
    }

    async fn stop(self) {
        let machines = self.machines.into_inner();
        let gates = self.gates.into_inner();
        let containers = machines.iter().map(|machine| machine.container()).chain(&gates);
        join_all(containers.chain([&self.container]).map(Container::close)).await;
        self.network.remove().await;
    }
}

impl ControlPlane for ContainedControlPlane {
    fn is_private(&self) -> bool {
        true
    }

    fn account(&self, identity: Identity) -> Option<Account> {
        let Login { email, password } = self.login(identity)?.clone();
        Some(Account { email, password })
    }

    fn token(&self, identity: Identity) -> BoxFuture<'_, Result<String, TargetError>> {
        Box::pin(self.log_in(identity))
    }

    /// Never needed: sessions only expire when the clock is advanced.
    fn renew<'a>(
        &'a self,
        identity: Identity,
        _refused: &'a str,
    ) -> BoxFuture<'a, Result<String, TargetError>> {
        self.token(identity)
    }

    fn advance(&self, duration: Duration) -> BoxFuture<'_, Result<(), TargetError>> {
        Box::pin(self.advance_clock(duration))
    }

    fn approval_endpoint(&self) -> Result<Url, TargetError> {
        Ok(joined(&self.base_url, APPROVE))
    }

    fn machine_host<'a>(
        &'a self,
        host_name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<dyn MachineHost>>, TargetError>> {
        Box::pin(async move {
            let started = self.start_machine(host_name).await;
            started.map(Some).map_err(|error| TargetError::Machine(error.into()))
        })
    }

    fn gate(&self, from: IpAddr) -> BoxFuture<'_, Result<Option<SocketAddr>, TargetError>> {
        Box::pin(async move {
            let opened = self.open_gate(from).await;
            opened.map(Some).map_err(|error| TargetError::Machine(error.into()))
        })
    }

    fn logs(&self) -> BoxFuture<'_, Vec<(String, String)>> {
        Box::pin(self.collect_logs())
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.stop())
    }
}

impl std::fmt::Debug for ContainedControlPlane {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("ContainedControlPlane").field(&self.base_url.as_str()).finish()
    }
}

/// Waits until the control plane accepts connections, which it does once its database is ready.
async fn await_ready(container: &Container, address: SocketAddr) -> Result<(), ContainersError> {
    if timeout(READY_LIMIT, await_listening(address)).await.is_ok() {
        return Ok(());
    }
    Err(ContainersError::NotReady {
        name: container.name.clone(),
        state: "did not listen",
        seconds: READY_LIMIT.as_secs(),
        logs: container.logs().await,
    })
}

async fn await_listening(address: SocketAddr) {
    let deadline = Instant::now() + READY_LIMIT;
    while Instant::now() < deadline {
        if let Ok(Ok(_)) = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            return;
        }
        sleep(READY_INTERVAL).await;
    }
}

/// An address and a port always make a URL.
fn url(address: IpAddr, port: u16, path: &str) -> Url {
    let text = format!("http://{}/{path}", SocketAddr::new(address, port));
    Url::parse(&text).unwrap_or_else(|_| unreachable!("{address}:{port} makes a URL"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
