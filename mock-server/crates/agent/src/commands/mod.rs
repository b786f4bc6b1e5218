//! The commands, one file each.

mod auth_keys;
mod create_key;
mod down;
mod healthcheck;
mod login;
mod logout;
mod machine_admin;
mod nc;
mod ping;
mod revoke_key;
mod set_tags;
mod status;
mod up;

#[cfg(any(test, fuzzing))]
pub(crate) use auth_keys::render as render_keys;
#[cfg(any(test, fuzzing))]
pub(crate) use login::{Pace, expiry};

use super::cli::{AuthKeysCommand, Command};
use super::context::Context;
use super::error::AgentError;

pub(crate) fn run(context: &Context, command: Command) -> Result<(), AgentError> {
    match command {
        Command::Up(arguments) => up::run(context, &arguments),
        Command::Down => down::run(context),
        Command::Logout => logout::run(context),
        Command::Login => login::run(context),
        Command::Status { json } => status::run(context, json),
        Command::Healthcheck => healthcheck::run(context),
        Command::AuthKeys { command: AuthKeysCommand::List { json, short, organisation } } => {
            auth_keys::run(context, organisation.named.as_deref(), auth_keys::Format::from_flags(json, short))
        }
        Command::AuthKeys { command: AuthKeysCommand::Create(arguments) } => {
            create_key::run(context, &arguments)
        }
        Command::AuthKeys { command: AuthKeysCommand::Revoke { prefix, organisation } } => {
            revoke_key::run(context, organisation.named.as_deref(), &prefix)
        }
        Command::Set { tags } => set_tags::run(context, &tags),
        Command::Ping(arguments) => ping::run(context, &arguments),
        Command::Nc(arguments) => nc::run(context, &arguments),
        Command::MachineAdmin(arguments) => machine_admin::run(context, &arguments),
    }
}
