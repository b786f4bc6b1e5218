use crate::context::Context;
use crate::error::AgentError;
use crate::local_socket::{self, Phase};

/// Succeeds if a `ztna up` runs that the control plane knows and answers.
pub(super) fn run(context: &Context) -> Result<(), AgentError> {
    match local_socket::ask_status(context.folder.path())? {
        Some(running) if running.phase == Phase::Online => Ok(()),
        running => Err(AgentError::Unhealthy { is_running: running.is_some() }),
    }
}
