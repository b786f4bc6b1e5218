//! `ztna down`.

use crate::console::say;
use crate::context::Context;
use crate::error::AgentError;
use crate::local_socket;

/// Stops the running `ztna up` and waits until it has stopped. Succeeds if none runs.
pub(super) fn run(context: &Context) -> Result<(), AgentError> {
    if local_socket::stop(context.folder.path())? {
        say("QuickZTNA stopped.");
    } else {
        say("QuickZTNA is not running.");
    }
    Ok(())
}
