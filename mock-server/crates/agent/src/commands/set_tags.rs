use crate::console::print_line;
use crate::context::Context;
use crate::error::AgentError;

/// Adds tags to this machine (issuing/tags.2) and prints all of its tags.
pub(super) fn run(context: &Context, tags: &[String]) -> Result<(), AgentError> {
    let state = context.folder.load()?;
    let machine = state.machine.as_ref().ok_or(AgentError::NotRegistered)?;
    let control = context.control(&state)?;
    let changed = context.block_on(async {
        control.add_tags(&machine.token, tags).await.map_err(AgentError::request("setting the tags"))
    })?;
    let tags: Vec<String> = changed.tags.iter().map(|tag| format!("tag:{tag}")).collect();
    print_line(&format!("✓ {} has the tags {}", changed.name, tags.join(", ")));
    Ok(())
}
