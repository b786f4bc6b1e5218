use crate::console::print_line;
use crate::context::Context;
use crate::error::AgentError;
use crate::local_socket;

/// Stops the running `ztna up` and waits until it has stopped. Succeeds if none runs.
pub(super) fn run(context: &Context) -> Result<(), AgentError> {
    context.folder.check()?;
    if local_socket::stop(context.folder.path())? {
        print_line("QuickZTNA stopped.");
    } else {
        print_line("QuickZTNA is not running.");
    }
    Ok(())
}
