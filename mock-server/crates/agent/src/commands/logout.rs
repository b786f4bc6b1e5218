use crate::console::{print_line, print_warning};
use crate::context::Context;
use crate::error::AgentError;
use crate::local_socket;
use crate::state::{Registration, State, StateError};

/// Stops the running `ztna up`, logs the machine out at the control plane if that can be reached, and deletes
/// all state but the control plane's address.
pub(super) fn run(context: &Context) -> Result<(), AgentError> {
    context.folder.check()?;
    local_socket::stop(context.folder.path())?;
    let state = match context.folder.load() {
        Ok(state) => state,
        // Logging out is how a user recovers from a corrupt state.
        Err(StateError::Corrupt { .. }) => State::default(),
        Err(error) => return Err(error.into()),
    };
    if let Some(machine) = &state.machine {
        leave(context, &state, machine);
    }
    if let Some(pending) = &state.pending {
        let name = &pending.name;
        print_warning(&format!(
            "an attempt to register {name} was not answered. If the control plane lists {name}, an administrator can delete it"
        ));
    }
    context.folder.reset(&state.logged_out())?;
    print_line("Logged out.");
    Ok(())
}

/// Best effort: the keys are deleted whatever the control plane answers.
fn leave(context: &Context, state: &State, machine: &Registration) {
    let left = context.control(state).and_then(|control| {
        context.block_on(async {
            match control.log_machine_out(&machine.token).await {
                // The machine has already been removed.
                Err(error) if error.disowns_credential() => Ok(()),
                answer => answer.map_err(AgentError::request("taking the machine offline")),
            }
        })
    });
    if let Err(error) = left {
        print_warning(&format!(
            "{error}. The machine {} stays listed at the control plane until an administrator deletes it",
            machine.name
        ));
    }
}
