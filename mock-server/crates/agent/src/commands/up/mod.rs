//! `ztna up`: registers if need be, then keeps the machine online until it is told to stop.

mod enrolment;
mod heartbeat;
mod limit;
mod services;
mod stop;

use std::cell::Cell;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use ztna_protocol::region::Region;

use crate::cli::UpArguments;
use crate::console::{say, warn};
use crate::context::{Context, now};
use crate::control_client::ControlClient;
use crate::error::AgentError;
use crate::host_name;
use crate::local_socket::{Insight, LocalSocket, Phase};
use crate::node_key::NodeKey;
use crate::state::{Registration, State};
use crate::tunnel::{Device, Ending, Tunnel};
use enrolment::{Credential, Enrolment};
use limit::Limit;
use stop::Stop;

/// How long the first heartbeat waits for the first network map, which does not come before an approval.
const KNOWS_ITS_PEERS: Duration = Duration::from_millis(200);

/// The warning of headless/ST2.5.
const FLAG_WARNING: &str = "WARNING: passing auth-key via CLI flag exposes it in process listing and shell history. Use ZTNA_AUTH_KEY env var instead.";

/// Comes up and stays in the foreground until SIGINT, SIGTERM or `ztna down`.
pub(super) fn run(context: &Context, arguments: &UpArguments) -> Result<(), AgentError> {
    services::check(arguments)?;
    let flag = arguments.auth_key.as_ref().filter(|key| !key.expose().is_empty());
    if flag.is_some() {
        warn(FLAG_WARNING);
    }
    let lock = context.folder.lock_up()?;
    let state = context.folder.load()?;
    let control = Arc::new(context.control(&state)?);
    let credential = Credential::choose(flag.or(context.environment.auth_key.as_ref()), &state, now());
    if state.machine.is_none() && credential.is_none() {
        return Err(AgentError::NotAuthenticated);
    }
    context.block_on(async {
        // Before anything is registered: a key's use is not spent on a machine that cannot come up.
        let ending = ending(arguments)?;
        let (phase, watched) = watch::channel(Phase::Starting);
        let (tunnel, opened) = watch::channel(None);
        let insight = Insight { phase: watched, tunnel: opened };
        let socket = LocalSocket::listen(context.folder.path(), insight)
            .map_err(AgentError::system("open the local socket"))?;
        let mut stop = Stop::new(socket)?;
        // The first line is a promise that signals and `ztna down` are heard.
        say("Starting QuickZTNA...");
        let limit = Limit::from_now(arguments.timeout);
        let told = Cell::new(None);
        let life =
            Life { context, arguments, control: &control, limit, phase: &phase, tunnel: &tunnel, told };
        let ended = tokio::select! {
            ended = life.live(&state, credential, ending) => ended,
            asked = stop.asked() => asked,
        };
        life.farewell().await;
        // The lock goes before those who wait for the end learn of it, so that they may start anew at once.
        drop(lock);
        drop(stop);
        ended
    })
}

/// What the tunnel will end in.
fn ending(arguments: &UpArguments) -> Result<Ending, AgentError> {
    if arguments.userspace {
        return Ok(Ending::Userspace(arguments.serve.clone()));
    }
    Ok(Ending::Tun(Device::create(arguments.tun_name.as_deref())?))
}

/// What one `ztna up` needs throughout.
struct Life<'a> {
    context: &'a Context,
    arguments: &'a UpArguments,
    control: &'a Arc<ControlClient>,
    limit: Limit,
    phase: &'a watch::Sender<Phase>,
    tunnel: &'a watch::Sender<Option<Tunnel>>,
    /// The relay that the last heartbeat named.
    told: Cell<Option<Region>>,
}

impl Life<'_> {
    /// Ends only with an error; otherwise it is ended.
    async fn live(
        &self,
        state: &State,
        credential: Option<Credential<'_>>,
        ending: Ending,
    ) -> Result<(), AgentError> {
        let (machine, node_key) = match (&state.machine, &state.node_key, credential) {
            (Some(machine), Some(node_key), _) => {
                say(&format!("Already registered: {} (IP: {})", machine.name, machine.tailnet_ip));
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
        let tunnel = self.open_tunnel(&machine, &node_key, ending)?;
        tokio::select! {
            failure = tunnel.failed() => Err(failure),
            ended = self.stay(&tunnel, &machine, &node_key) => ended,
        }
    }

    /// Keeps the machine online; ends only with an error.
    async fn stay(
        &self,
        tunnel: &Tunnel,
        machine: &Registration,
        node_key: &NodeKey,
    ) -> Result<(), AgentError> {
        let mut heart = heartbeat::Heart::new(self.arguments.heartbeat_interval);
        let connected = async {
            // Whoever hears where this machine is greets it at once, and had better be known by then.
            let _ = tokio::time::timeout(KNOWS_ITS_PEERS, tunnel.connected()).await;
            let wait = self.beat(&mut heart, machine).await?;
            self.connect(tunnel, &mut heart, machine, wait).await
        };
        let mut wait = self.bound(connected).await?;
        say(&format!("Node key: {}", node_key.fingerprint()));
        services::announce(self.arguments, &machine.tailnet_ip);
        say("Press Ctrl+C to stop...");
        loop {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                // Peers have to know soon where it is.
                () = tunnel.moved(self.told.get()) => {}
            }
            wait = self.beat(&mut heart, machine).await?;
        }
    }

    /// Does what `--timeout` bounds.
    async fn bound<T>(&self, work: impl Future<Output = Result<T, AgentError>>) -> Result<T, AgentError> {
        self.limit.bound(work, || limit::obstacle(*self.phase.borrow(), self.control.server())).await
    }

    /// The name asked for; none if the host's own will do.
    fn wanted_name(&self) -> Option<&str> {
        self.arguments.hostname.as_deref().or(self.context.environment.host_name.as_deref())
    }

    /// The tunnel; nobody hears of it before the next heartbeat.
    fn open_tunnel(
        &self,
        machine: &Registration,
        node_key: &NodeKey,
        ending: Ending,
    ) -> Result<Tunnel, AgentError> {
        let ip = &machine.tailnet_ip;
        let address = ip.parse().map_err(|_| AgentError::TailnetAddress(ip.clone()))?;
        let (control, token) = (self.control.clone(), machine.token.clone());
        let tunnel = Tunnel::open(
            control,
            token,
            node_key,
            (machine.name.clone(), address),
            ending,
            self.arguments.relay_only,
        )?;
        self.tunnel.send_replace(Some(tunnel.clone()));
        Ok(tunnel)
    }

    /// Waits for the first network map, which may take an administrator's approval; the time until the next
    /// heartbeat (headless/ST2.1, issuing/rollout.2).
    async fn connect(
        &self,
        tunnel: &Tunnel,
        heart: &mut heartbeat::Heart,
        machine: &Registration,
        mut wait: Duration,
    ) -> Result<Duration, AgentError> {
        loop {
            let due = tokio::time::Instant::now() + wait;
            tokio::select! {
                () = tunnel.connected() => {
                    let mode = tunnel.mode().label();
                    say(&format!("Connected as {} ({}) [{mode}]", machine.name, machine.tailnet_ip));
                    say("VPN started!");
                    return Ok(due.saturating_duration_since(tokio::time::Instant::now()));
                }
                () = tokio::time::sleep_until(due) => wait = self.beat(heart, machine).await?,
                () = tunnel.moved(self.told.get()) => wait = self.beat(heart, machine).await?,
            }
        }
    }

    async fn register(
        &self,
        state: &State,
        credential: Credential<'_>,
    ) -> Result<(Registration, NodeKey), AgentError> {
        let name = self.wanted_name().map_or_else(host_name::system, str::to_owned);
        let node_key = NodeKey::from_random(rand::random());
        let enrolment = Enrolment {
            control: self.control,
            credential,
            name: host_name::check(&name)?,
            public_key: &node_key.public_base64(),
            tags: &self.arguments.tags,
            org_id: self.arguments.org.as_deref().or(state.org_id.as_deref()),
            limit: self.arguments.timeout,
        };
        let registered = enrolment.complete(|| self.phase.send_replace(Phase::Unreachable)).await?;
        let machine = Registration {
            id: registered.machine.id,
            name: registered.machine.name,
            tailnet_ip: registered.machine.tailnet_ip,
            token: registered.machine_token,
        };
        self.context.folder.update(|state| {
            state.server = Some(self.control.server().to_owned());
            state.org_id = registered.org_id.or_else(|| state.org_id.take());
            state.node_key = Some(node_key.clone());
            state.machine = Some(machine.clone());
        })?;
        say(&format!("Registered: {} ({})", machine.name, machine.tailnet_ip));
        Ok((machine, node_key))
    }

    /// What was asked for that a registration would have taken along. It keeps nobody from coming up.
    async fn apply_to_registered(&self, machine: &Registration) {
        if let Some(name) = self.wanted_name().filter(|name| *name != machine.name) {
            let current = &machine.name;
            warn(&format!("already registered as {current}; run 'ztna logout' first to become {name}"));
        }
        if !self.arguments.tags.is_empty()
            && let Err(error) = self.control.add_tags(&machine.token, &self.arguments.tags).await
        {
            warn(&format!("the tags were not added: {error}"));
        }
    }

    /// One heartbeat, and the time until the next.
    async fn beat(
        &self,
        heart: &mut heartbeat::Heart,
        machine: &Registration,
    ) -> Result<Duration, AgentError> {
        let tunnel = self.tunnel.borrow().clone();
        let endpoints = tunnel.as_ref().map(Tunnel::endpoints);
        let relay = tunnel.as_ref().and_then(Tunnel::home);
        self.told.set(relay);
        let answer = self.control.heartbeat(&machine.token, endpoints.as_deref(), relay).await;
        let pulse = heart.feel(answer, rand::random());
        self.phase.send_replace(pulse.phase);
        match pulse.notice {
            Some(heartbeat::Notice::Waiting) => say("Waiting for approval by an administrator…"),
            Some(heartbeat::Notice::Approved) => say("Approved by an administrator."),
            Some(heartbeat::Notice::Trouble(text)) => warn(&text),
            None => {}
        }
        let Some(wait) = pulse.next else {
            self.forget(machine)?;
            return Err(AgentError::Removed);
        };
        Ok(wait)
    }

    /// The key pair goes with the machine: whoever removed it may have had a reason to distrust the key.
    fn forget(&self, gone: &Registration) -> Result<(), AgentError> {
        self.context.folder.update(|state| {
            if state.machine.as_ref() == Some(gone) {
                state.machine = None;
                state.node_key = None;
            }
        })?;
        Ok(())
    }

    /// Tells the control plane that the machine is offline, if it is registered and somebody listens.
    async fn farewell(&self) {
        let machine = self.context.folder.load().ok().and_then(|state| state.machine);
        if let Some(machine) = machine
            && let Err(error) = self.control.say_offline(&machine.token).await
        {
            tracing::info!(%error, "the control plane was not told that the machine is offline");
        }
    }
}
