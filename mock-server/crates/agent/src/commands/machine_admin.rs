use uuid::Uuid;

use crate::cli::{MachineAction, MachineAdminArguments};
use crate::console::print_line;
use crate::context::{Context, organisation};
use crate::error::AgentError;

/// Quarantines, releases, approves or deletes one machine (issuing/disconnect.1).
pub(super) fn run(context: &Context, arguments: &MachineAdminArguments) -> Result<(), AgentError> {
    let MachineAdminArguments { action, machine, organisation: org } = arguments;
    let state = context.folder.load()?;
    let org_id = organisation(org.named.as_deref(), &state)?;
    let caller = context.admin_credential(&state)?;
    let control = context.control(&state)?;
    context.block_on(async {
        let id = if Uuid::try_parse(machine).is_ok() {
            machine.clone()
        } else {
            let named = control
                .machines_named(caller, org_id, machine)
                .await
                .map_err(AgentError::request("looking up the machine"))?;
            let found = named.into_iter().find(|found| found.name == *machine);
            found.ok_or_else(|| AgentError::NoSuchMachine(machine.clone()))?.id
        };
        control
            .administer(caller, org_id, &id, action.as_str())
            .await
            .map_err(AgentError::request("machine administration"))
    })?;
    print_line(&format!("✓ {machine} {}", outcome(*action)));
    Ok(())
}

fn outcome(action: MachineAction) -> &'static str {
    match action {
        MachineAction::Quarantine => "is quarantined — no traffic until it is released",
        MachineAction::Release => "is released",
        MachineAction::Approve => "is approved",
        MachineAction::Delete => "is deleted",
    }
}
