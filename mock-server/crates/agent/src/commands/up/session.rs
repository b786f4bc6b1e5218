//! One run of `ztna up`: registration, tunnel and heartbeats.

use std::cell::Cell;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use ztna_protocol::region::Region;

use super::enrolment::{Credential, Enrolment};
use super::heartbeat::{HeartbeatState, Notice};
use super::limit::{self, ConnectLimit};
use super::presence::Presence;
use super::services;
use crate::cli::UpArguments;
use crate::clock;
use crate::console::{print_line, print_warning};
use crate::context::{Context, now};
use crate::control_client::ControlClient;
use crate::error::AgentError;
use crate::host_name;
use crate::local_socket::Phase;
use crate::node_key::NodeKey;
use crate::state::{Pending, Registration, State};
use crate::tunnel::{LocalMachine, PreparedBackend, Tunnel, TunnelConfig};

/// How long the first heartbeat waits for the first network map, which is only sent after approval.
const FIRST_MAP_WAIT: Duration = Duration::from_millis(200);

/// One run of `ztna up`.
pub(super) struct UpSession<'a> {
    pub(super) context: &'a Context,
    pub(super) arguments: &'a UpArguments,
    pub(super) control: &'a Arc<ControlClient>,
    pub(super) presence: Presence<'a>,
    pub(super) limit: ConnectLimit,
    pub(super) phase: &'a watch::Sender<Phase>,
    pub(super) tunnel: &'a watch::Sender<Option<Tunnel>>,
    /// Whether the control plane has answered in this run, so that it may count the machine as online.
    pub(super) answered: Cell<bool>,
    /// The relay announced by the last heartbeat.
    pub(super) announced_relay: Cell<Option<Region>>,
}

impl UpSession<'_> {
    /// Registers if needed, opens the tunnel and stays online. Returns only on error; otherwise it is cancelled.
    pub(super) async fn run(
        &self,
        state: &State,
        credential: Option<Credential<'_>>,
        backend: PreparedBackend,
    ) -> Result<(), AgentError> {
        let (machine, node_key) = match (&state.machine, &state.node_key, credential) {
            (Some(machine), Some(node_key), _) => {
                print_line(&format!("Already registered: {} (IP: {})", machine.name, machine.tailnet_ip));
                let applied = async {
                    self.apply_to_registered(machine).await;
                    Ok(())
                };
                self.bound(applied).await?;
                (machine.clone(), node_key.clone())
            }
            (_, _, Some(credential)) => self.register(state, credential).await?,
            (_, _, None) => return Err(AgentError::NotAuthenticated),
        };
        let tunnel = self.open_tunnel(&machine, &node_key, backend)?;
        tokio::select! {
            failure = tunnel.failed() => Err(failure.into()),
            ended = self.stay(&tunnel, &machine, &node_key) => ended,
        }
    }

    /// Keeps the machine online; returns only on error.
    async fn stay(
        &self,
        tunnel: &Tunnel,
        machine: &Registration,
        node_key: &NodeKey,
    ) -> Result<(), AgentError> {
        let mut heartbeat = HeartbeatState::new(self.arguments.heartbeat_interval);
        let connected = async {
            // Peers start a handshake as soon as they learn where this machine is, so it should know them by then.
            let _ = tokio::time::timeout(FIRST_MAP_WAIT, tunnel.connected()).await;
            let wait = self.send_heartbeat(&mut heartbeat, machine).await?;
            self.wait_until_connected(tunnel, &mut heartbeat, machine, wait).await
        };
        let mut wait = self.bound(connected).await?;
        print_line(&format!("Node key: {}", node_key.fingerprint()));
        services::announce(self.arguments, machine.tailnet_ip);
        clock::warn_if_wrong(self.control);
        print_line("Press Ctrl+C to stop...");
        loop {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                // Peers must learn the new relay soon.
                () = tunnel.home_changed(self.announced_relay.get()) => {}
            }
            wait = self.send_heartbeat(&mut heartbeat, machine).await?;
        }
    }

    /// Runs `work` within `--timeout`.
    async fn bound<T>(&self, work: impl Future<Output = Result<T, AgentError>>) -> Result<T, AgentError> {
        self.limit.bound(work, || limit::obstacle(*self.phase.borrow(), self.control.server())).await
    }

    /// Returns the requested machine name; `None` if the host's name is used.
    fn requested_name(&self) -> Result<Option<&str>, AgentError> {
        match &self.arguments.hostname {
            Some(name) => Ok(Some(name)),
            None => Ok(self.context.environment.host_name.get()?.map(String::as_str)),
        }
    }

    /// Opens the tunnel. Peers learn its endpoints through the next heartbeat.
    fn open_tunnel(
        &self,
        machine: &Registration,
        node_key: &NodeKey,
        backend: PreparedBackend,
    ) -> Result<Tunnel, AgentError> {
        let address = machine.tailnet_ip;
        let tunnel = Tunnel::open(TunnelConfig {
            control: self.control.clone(),
            token: machine.token.clone(),
            node_key: node_key.clone(),
            machine: LocalMachine { name: machine.name.clone(), address },
            backend,
            relay_only: self.arguments.relay_only,
        })?;
        self.tunnel.send_replace(Some(tunnel.clone()));
        Ok(tunnel)
    }

    /// Waits for the first network map, which may require an administrator's approval, and returns the time until the
    /// next heartbeat (headless/ST2.1, issuing/rollout.2).
    async fn wait_until_connected(
        &self,
        tunnel: &Tunnel,
        heartbeat: &mut HeartbeatState,
        machine: &Registration,
        mut wait: Duration,
    ) -> Result<Duration, AgentError> {
        loop {
            let due = tokio::time::Instant::now() + wait;
            tokio::select! {
                () = tunnel.connected() => {
                    let mode = tunnel.mode().label();
                    print_line(&format!("Connected as {} ({}) [{mode}]", machine.name, machine.tailnet_ip));
                    print_line("VPN started!");
                    return Ok(due.saturating_duration_since(tokio::time::Instant::now()));
                }
                () = tokio::time::sleep_until(due) => wait = self.send_heartbeat(heartbeat, machine).await?,
                () = tunnel.home_changed(self.announced_relay.get()) => wait = self.send_heartbeat(heartbeat, machine).await?,
            }
        }
    }

    async fn register(
        &self,
        state: &State,
        credential: Credential<'_>,
    ) -> Result<(Registration, NodeKey), AgentError> {
        let name = match self.requested_name()? {
            Some(name) => host_name::normalise(name)?,
            None => host_name::normalise(&host_name::system())?,
        };
        let org_id = self.arguments.org.as_deref().or(state.org_id.as_deref());
        let (server, constant) = (self.control.server(), credential.constant_part(org_id));
        let earlier = state.pending.as_ref().filter(|pending| pending.matches(server, &name, constant));
        let new = || Pending::new(server, &name, constant, (rand::random(), rand::random()));
        let pending = earlier.cloned().unwrap_or_else(new);
        // Stored before the key can be used: whatever happens to the answer, the registration can be repeated.
        let reservation = self.context.folder.begin(|state| state.pending = Some(pending.clone()))?;
        let enrolment = Enrolment {
            control: self.control,
            credential,
            pending: &pending,
            is_repeated: earlier.is_some(),
            tags: &self.arguments.tags,
            org_id,
            limit: self.arguments.timeout,
        };
        let registered = match enrolment.complete(|| self.phase.send_replace(Phase::Unreachable)).await {
            Ok(registered) => registered,
            Err(error) => {
                if error.ends_registration()
                    && let Err(unchanged) = self.context.folder.update(|state| state.pending = None)
                {
                    tracing::warn!(%unchanged, "forgetting the refused registration failed");
                }
                return Err(error);
            }
        };
        self.answered.set(true);
        let machine = Registration {
            id: registered.machine.id,
            name: registered.machine.name,
            tailnet_ip: registered.machine.tailnet_ip,
            token: registered.machine_token,
        };
        let node_key = pending.node_key;
        let complete = |state: &mut State| {
            state.server = Some(server.to_owned());
            state.org_id = registered.org_id.or_else(|| state.org_id.take());
            state.node_key = Some(node_key.clone());
            state.machine = Some(machine.clone());
            state.pending = None;
        };
        self.context.folder.complete(reservation, complete).map_err(|cause| {
            let (name, ip) = (machine.name.clone(), machine.tailnet_ip);
            AgentError::NotStored { name, ip, cause }
        })?;
        print_line(&format!("Registered: {} ({})", machine.name, machine.tailnet_ip));
        Ok((machine, node_key))
    }

    /// Applies the requested name and tags to a machine that is already registered. Failures are only warnings.
    async fn apply_to_registered(&self, machine: &Registration) {
        let requested = self.requested_name().unwrap_or_else(|error| {
            print_warning(&error.to_string());
            None
        });
        if let Some(name) = requested.filter(|name| *name != machine.name) {
            let current = &machine.name;
            print_warning(&format!(
                "already registered as {current}; run 'ztna logout' first to rename it to {name}"
            ));
        }
        if !self.arguments.tags.is_empty()
            && let Err(error) = self.control.add_tags(&machine.token, &self.arguments.tags).await
        {
            print_warning(&format!("adding the tags failed: {error}"));
        }
    }

    /// Sends a heartbeat and returns the time until the next one.
    async fn send_heartbeat(
        &self,
        heartbeat: &mut HeartbeatState,
        machine: &Registration,
    ) -> Result<Duration, AgentError> {
        let tunnel = self.tunnel.borrow().clone();
        let endpoints = tunnel.as_ref().map(Tunnel::endpoints);
        let relay = tunnel.as_ref().and_then(Tunnel::home);
        self.announced_relay.set(relay);
        let answer = self.presence.report_online(&machine.token, endpoints, relay).await;
        self.answered.set(self.answered.get() || answer.is_ok());
        let outcome = heartbeat.on_response(answer, std::time::Instant::now(), rand::random());
        self.phase.send_replace(outcome.phase);
        match outcome.notice {
            Some(Notice::Waiting) => print_line("Waiting for approval by an administrator…"),
            Some(Notice::Approved) => print_line("Approved by an administrator."),
            Some(Notice::Warning(text)) => print_warning(&text),
            None => {}
        }
        let Some(wait) = outcome.next else {
            self.set_registration_aside(machine)?;
            return Err(AgentError::Removed);
        };
        Ok(wait)
    }

    /// Takes the registration and its key pair out of use, since the machine may have been removed because the key is
    /// compromised, and keeps a copy of the state, since it may have been a mistake.
    fn set_registration_aside(&self, gone: &Registration) -> Result<(), AgentError> {
        let folder = &self.context.folder;
        // Without a copy nothing is deleted.
        let kept = folder.keep_aside(&folder.load()?, now())?;
        folder.update(|state| {
            if state.machine.as_ref() == Some(gone) {
                state.machine = None;
                state.node_key = None;
            }
        })?;
        print_warning(&format!(
            "this machine's keys are kept in {}; copy that file to {} if the machine was removed by mistake",
            kept.display(),
            folder.path().join("state.json").display()
        ));
        Ok(())
    }

    /// Reports the machine offline within `limit`, if it is registered.
    pub(super) async fn report_offline(&self, limit: Duration) {
        let machine = self.context.folder.load().ok().and_then(|state| state.machine);
        if let Some(machine) = machine
            && let Err(error) = self.presence.report_offline(&machine.token, limit).await
        {
            tracing::info!(%error, "reporting the machine offline failed");
        }
    }
}
