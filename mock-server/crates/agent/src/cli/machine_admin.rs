//! `ztna machine-admin`, whose action is the first word or an option.

use clap::error::{Error, ErrorKind};
use clap::{ArgMatches, Args, Command, FromArgMatches, ValueEnum};

use super::arguments::Organisation;

/// What to do to which machine.
#[derive(Debug)]
pub(crate) struct MachineAdminArguments {
    /// The action.
    pub(crate) action: MachineAction,
    /// The machine's name or id.
    pub(crate) machine: String,
    /// Where it is.
    pub(crate) organisation: Organisation,
}

/// What can be done to a machine (issuing/disconnect.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MachineAction {
    /// No traffic, until it is released.
    Quarantine,
    /// Ends a quarantine.
    Release,
    /// Lets a machine in that waits for it.
    Approve,
    /// Removes the machine.
    Delete,
}

impl MachineAction {
    /// The action as the control plane spells it.
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
struct Words {
    /// The action, instead of the first word
    #[arg(long, value_name = "ACTION", hide_possible_values = true)]
    action: Option<MachineAction>,
    /// quarantine, release, approve or delete, then the machine's name or id
    #[arg(value_name = "WORDS", required = true, num_args = 1..=2)]
    words: Vec<String>,
    #[command(flatten)]
    organisation: Organisation,
}

impl FromArgMatches for MachineAdminArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let Words { action, words, organisation } = Words::from_arg_matches(matches)?;
        let (action, machine) = match (action, words.as_slice()) {
            (Some(action), [machine]) => (action, machine),
            (None, [word, machine]) => match MachineAction::from_str(word, false) {
                Ok(action) => (action, machine),
                Err(_) => {
                    return Err(mistake(&format!("'{word}' is not quarantine, release, approve or delete")));
                }
            },
            _ => return Err(mistake("one action and one machine (its name or id) are needed")),
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
        Words::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Words::augment_args_for_update(command)
    }
}

fn mistake(text: &str) -> Error {
    Error::raw(ErrorKind::ValueValidation, text)
}
