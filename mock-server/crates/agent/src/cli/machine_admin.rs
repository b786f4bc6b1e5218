//! `ztna machine-admin`, which takes its action as the first argument or as an option.

use clap::error::{Error, ErrorKind};
use clap::{ArgMatches, Args, Command, FromArgMatches, ValueEnum};

use super::arguments::Organisation;

#[derive(Debug)]
pub(crate) struct MachineAdminArguments {
    pub(crate) action: MachineAction,
    /// The machine's name or id.
    pub(crate) machine: String,
    pub(crate) organisation: Organisation,
}

/// An administrative action on a machine (issuing/disconnect.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MachineAction {
    /// Blocks all traffic until the machine is released.
    Quarantine,
    /// Ends a quarantine.
    Release,
    /// Admits a machine that awaits approval.
    Approve,
    /// Removes the machine from the organisation.
    Delete,
}

impl MachineAction {
    /// Returns the action as the control plane spells it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Quarantine => "quarantine",
            Self::Release => "release",
            Self::Approve => "approve",
            Self::Delete => "delete",
        }
    }
}

#[derive(Debug, Args)]
#[command(override_usage = "ztna machine-admin [OPTIONS] <ACTION> <MACHINE>")]
struct RawArguments {
    /// The action, instead of the first argument
    #[arg(long, value_name = "ACTION", hide_possible_values = true)]
    action: Option<MachineAction>,
    /// quarantine, release, approve or delete, then the machine's name or id
    #[arg(value_name = "ARGUMENTS", required = true, num_args = 1..=2)]
    arguments: Vec<String>,
    #[command(flatten)]
    organisation: Organisation,
}

impl FromArgMatches for MachineAdminArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let RawArguments { action, arguments, organisation } = RawArguments::from_arg_matches(matches)?;
        let (action, machine) = match (action, arguments.as_slice()) {
            (Some(action), [machine]) => (action, machine),
            (None, [argument, machine]) => match MachineAction::from_str(argument, false) {
                Ok(action) => (action, machine),
                Err(_) => {
                    return Err(usage_error(&format!(
                        "unknown action '{argument}': expected quarantine, release, approve or delete"
                    )));
                }
            },
            _ => return Err(usage_error("expected one action and one machine (its name or id)")),
        };
        Ok(Self { action, machine: machine.clone(), organisation })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for MachineAdminArguments {
    fn augment_args(command: Command) -> Command {
        RawArguments::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        RawArguments::augment_args_for_update(command)
    }
}

fn usage_error(text: &str) -> Error {
    Error::raw(ErrorKind::ValueValidation, text)
}
