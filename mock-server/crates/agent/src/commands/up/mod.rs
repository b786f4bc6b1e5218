//! `ztna up`: registers the machine if needed, then keeps it online until stopped.

mod enrolment;
mod heartbeat;
mod limit;
mod presence;
mod services;
mod session;
mod stop;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::cli::UpArguments;
use crate::console::{print_line, print_warning};
use crate::context::Context;
use crate::control_client::SHUTDOWN_TIMEOUT;
use crate::error::AgentError;
use crate::local_socket::{LocalSocket, Phase, StatusSource};
use crate::tunnel::{Device, PreparedBackend, TunnelError};
use enrolment::Credential;
use limit::ConnectLimit;
use presence::Presence;
use session::UpSession;
use stop::StopRequests;

/// The warning of headless/ST2.5.
const FLAG_WARNING: &str = "WARNING: passing auth-key via CLI flag exposes it in process listing and shell history. Use ZTNA_AUTH_KEY env var instead.";

/// Time limit of the last request after `--timeout` has passed.
const GOODBYE_AFTER_TIMEOUT: Duration = Duration::from_millis(500);

/// Time limit of the last request to a control plane that has not answered yet.
const GOODBYE_UNANSWERED: Duration = Duration::from_secs(1);

/// Connects the machine and stays in the foreground until SIGINT, SIGTERM, SIGHUP or `ztna down`.
pub(super) fn run(context: &Context, arguments: &UpArguments) -> Result<(), AgentError> {
    services::check(arguments)?;
    let flag = arguments.auth_key.as_ref().filter(|key| !key.expose().is_empty());
    if flag.is_some() {
        print_warning(FLAG_WARNING);
    }
    let lock = context.folder.lock_up()?;
    let state = context.folder.load()?;
    let control = Arc::new(context.control(&state)?);
    let key = match flag {
        Some(key) => Some(key),
        None => context.environment.auth_key.get()?,
    };
    let credential = Credential::choose(key, &state);
    if state.machine.is_none() && credential.is_none() {
        return Err(AgentError::NotAuthenticated);
    }
    context.block_on(async {
        // Before registration, so that no key use is spent on a machine that cannot connect.
        let backend = backend(arguments)?;
        let (phase, watched) = watch::channel(Phase::Starting);
        let (tunnel, opened) = watch::channel(None);
        let source = StatusSource { phase: watched, tunnel: opened };
        let socket = LocalSocket::listen(context.folder.path(), source)
            .map_err(AgentError::system("open the local socket"))?;
        let mut stop = StopRequests::new(socket)?;
        // Once this line is printed, signals and `ztna down` are handled.
        print_line("Starting QuickZTNA...");
        let limit = ConnectLimit::from_now(arguments.timeout);
        let announced_relay = Cell::new(None);
        let session = UpSession {
            context,
            arguments,
            control: &control,
            presence: Presence::new(&control),
            limit,
            phase: &phase,
            tunnel: &tunnel,
            answered: Cell::new(false),
            announced_relay,
        };
        let ended = tokio::select! {
            ended = session.run(&state, credential, backend) => ended,
            requested = stop.requested() => requested,
        };
        // A machine that signs off is silent from then on: its peers would take what they hear for a sign that it is back.
        if let Some(tunnel) = tunnel.send_replace(None) {
            tunnel.close().await;
        }
        if let Some(limit) = goodbye_limit(&ended, session.answered.get()) {
            session.report_offline(limit).await;
        }
        // Releases the lock before a waiting command is answered, so that it can start `up` again at once.
        drop(lock);
        stop.leave();
        ended
    })
}

/// Returns how long the last request may take; `None` if it is not sent. A control plane that has not answered does not
/// count the machine as online, and `--timeout` must not be exceeded by much.
fn goodbye_limit(ended: &Result<(), AgentError>, answered: bool) -> Option<Duration> {
    match ended {
        Err(AgentError::Timeout { .. } | AgentError::NotConnected { .. }) => {
            answered.then_some(GOODBYE_AFTER_TIMEOUT)
        }
        _ if answered => Some(SHUTDOWN_TIMEOUT),
        // It may be about to answer.
        _ => Some(GOODBYE_UNANSWERED),
    }
}

/// Prepares what the tunnel is connected to on this machine.
fn backend(arguments: &UpArguments) -> Result<PreparedBackend, AgentError> {
    if arguments.userspace {
        return Ok(PreparedBackend::Userspace(arguments.serve.clone()));
    }
    let device = Device::create(arguments.tun_name.as_deref()).map_err(TunnelError::from)?;
    Ok(PreparedBackend::Tun(device))
}
