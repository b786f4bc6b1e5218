//! `ztna up`: registers if need be, then keeps the machine online until it is told to stop.

mod enrolment;
mod heartbeat;
mod stop;

use tokio::sync::watch;

use crate::agent::cli::UpArguments;
use crate::agent::console::{say, warn};
use crate::agent::context::{Context, now};
use crate::agent::control_client::ControlClient;
use crate::agent::error::AgentError;
use crate::agent::host_name;
use crate::agent::local_socket::{LocalSocket, Phase};
use crate::agent::node_key::NodeKey;
use crate::agent::state::{Registration, State};
use enrolment::{Credential, Enrolment};
use stop::Stop;

/// The warning of headless/ST2.5.
const FLAG_WARNING: &str = "WARNING: passing auth-key via CLI flag exposes it in process listing and shell history. Use ZTNA_AUTH_KEY env var instead.";

/// Comes up and stays in the foreground until SIGINT, SIGTERM or `ztna down`.
pub(super) fn run(context: &Context, arguments: &UpArguments) -> Result<(), AgentError> {
    let flag = arguments.auth_key.as_ref().filter(|key| !key.expose().is_empty());
    if flag.is_some() {
        warn(FLAG_WARNING);
    }
    let lock = context.folder.lock_up()?;
    let state = context.folder.load()?;
    let control = context.control(&state)?;
    let credential = Credential::choose(flag.or(context.environment.auth_key.as_ref()), &state, now());
    if state.machine.is_none() && credential.is_none() {
        return Err(AgentError::NotAuthenticated);
    }
    context.block_on(async {
        let (phase, watched) = watch::channel(Phase::Starting);
        let socket = LocalSocket::listen(context.folder.path(), watched)
            .map_err(AgentError::system("open the local socket"))?;
        let mut stop = Stop::new(socket)?;
        // The first line is a promise that signals and `ztna down` are heard.
        say("Starting QuickZTNA...");
        let life = Life { context, arguments, control: &control, phase: &phase };
        let ended = tokio::select! {
            ended = life.live(&state, credential) => ended,
            asked = stop.asked() => asked,
        };
        life.farewell().await;
        // The lock goes before those who wait for the end learn of it, so that they may start anew at once.
        drop(lock);
        drop(stop);
        ended
    })
}

/// What one `ztna up` needs throughout.
struct Life<'a> {
    context: &'a Context,
    arguments: &'a UpArguments,
    control: &'a ControlClient,
    phase: &'a watch::Sender<Phase>,
}

impl Life<'_> {
    /// Ends only with an error; otherwise it is ended.
    async fn live(&self, state: &State, credential: Option<Credential<'_>>) -> Result<(), AgentError> {
        let (machine, node_key) = match (&state.machine, &state.node_key, credential) {
            (Some(machine), Some(node_key), _) => {
                say(&format!("Already registered: {} (IP: {})", machine.name, machine.tailnet_ip));
                self.apply_to_registered(machine).await;
                (machine.clone(), node_key.clone())
            }
            (_, _, Some(credential)) => self.register(state, credential).await?,
            (_, _, None) => return Err(AgentError::NotAuthenticated),
        };
        let mut heart = heartbeat::Heart::new(self.arguments.heartbeat_interval);
        let mut wait = self.beat(&mut heart, &machine).await?;
        say(&format!("Node key: {}", node_key.fingerprint()));
        say("Press Ctrl+C to stop...");
        loop {
            tokio::time::sleep(wait).await;
            wait = self.beat(&mut heart, &machine).await?;
        }
    }

    /// The name asked for; none if the host's own will do.
    fn wanted_name(&self) -> Option<&str> {
        self.arguments.hostname.as_deref().or(self.context.environment.host_name.as_deref())
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
    ) -> Result<std::time::Duration, AgentError> {
        let answer = self.control.heartbeat(&machine.token).await;
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
