//! `ztna up`: registers the machine if needed, then keeps it online until stopped.

mod enrolment;
mod heartbeat;
mod limit;
mod services;
mod session;
mod stop;

use std::cell::Cell;
use std::sync::Arc;

use tokio::sync::watch;

use crate::cli::UpArguments;
use crate::console::{print_line, print_warning};
use crate::context::{Context, now};
use crate::error::AgentError;
use crate::local_socket::{LocalSocket, Phase, StatusSource};
use crate::tunnel::{Device, PreparedBackend};
use enrolment::Credential;
use limit::ConnectLimit;
use session::UpSession;
use stop::StopRequests;

/// The warning of headless/ST2.5.
const FLAG_WARNING: &str = "WARNING: passing auth-key via CLI flag exposes it in process listing and shell history. Use ZTNA_AUTH_KEY env var instead.";

/// Connects the machine and stays in the foreground until SIGINT, SIGTERM or `ztna down`.
pub(super) fn run(context: &Context, arguments: &UpArguments) -> Result<(), AgentError> {
    services::check(arguments)?;
    let flag = arguments.auth_key.as_ref().filter(|key| !key.expose().is_empty());
    if flag.is_some() {
        print_warning(FLAG_WARNING);
    }
    let lock = context.folder.lock_up()?;
    let state = context.folder.load()?;
    let control = Arc::new(context.control(&state)?);
    let credential = Credential::choose(flag.or(context.environment.auth_key.as_ref()), &state, now());
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
            limit,
            phase: &phase,
            tunnel: &tunnel,
            announced_relay,
        };
        let ended = tokio::select! {
            ended = session.run(&state, credential, backend) => ended,
            requested = stop.requested() => requested,
        };
        session.report_offline().await;
        // Releases the lock before waiting commands are answered, so that they can start `up` again at once.
        drop(lock);
        drop(stop);
        ended
    })
}

/// Prepares what the tunnel is connected to on this machine.
fn backend(arguments: &UpArguments) -> Result<PreparedBackend, AgentError> {
    if arguments.userspace {
        return Ok(PreparedBackend::Userspace(arguments.serve.clone()));
    }
    Ok(PreparedBackend::Tun(Device::create(arguments.tun_name.as_deref())?))
}
