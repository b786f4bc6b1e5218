//! The command line: clap's types and nothing else.

mod arguments;
mod auth_keys;
mod machine_admin;
mod nc;
mod ping;
mod up;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing::level_filters::LevelFilter;

use arguments::tag;
pub(crate) use auth_keys::{AuthKeysCommand, CreateKeyArguments};
pub(crate) use machine_admin::{MachineAction, MachineAdminArguments};
pub(crate) use nc::NcArguments;
pub(crate) use ping::PingArguments;
pub(crate) use up::UpArguments;

use super::secret::redact;

/// Connects this machine to your QuickZTNA tailnet.
#[derive(Debug, Parser)]
#[command(name = "ztna", bin_name = "ztna", version, no_binary_name = true, infer_long_args = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options shared by all commands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    // Not a doc comment, where rustdoc wants the URL in angle brackets.
    #[arg(
        long,
        global = true,
        env = "ZTNA_SERVER",
        hide_env_values = true,
        value_name = "URL",
        help = "URL of the control plane [default: the one logged in to, else https://login.quickztna.com]"
    )]
    pub(crate) server: Option<String>,
    /// Directory of the agent's keys and state [default: $XDG_STATE_HOME/ztna or ~/.local/state/ztna]
    // Not a `PathBuf`: an empty variable counts as unset, but clap refuses an empty path.
    #[arg(long, global = true, env = "ZTNA_STATE_DIR", hide_env_values = true, value_name = "DIR")]
    pub(crate) state_dir: Option<OsString>,
    /// Log to standard error: error, warn, info, debug or trace
    #[arg(long, global = true, env = "ZTNA_LOG", hide_env_values = true, value_name = "LEVEL")]
    pub(crate) log: Option<LevelFilter>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Registers this machine if needed and keeps it connected until Ctrl+C or 'ztna down'
    Up(UpArguments),
    /// Stops the running 'ztna up'
    Down,
    /// Stops 'ztna up', takes the machine offline and deletes its keys and session
    Logout,
    /// Logs you in through a browser, on this or another device
    Login,
    /// Shows this machine's identity and connection state
    Status {
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Exits with 0 if the running 'ztna up' is online, for the HEALTHCHECK of a container
    #[command(hide = true)]
    Healthcheck,
    /// Lists, creates and revokes the auth keys that machines register with (admin)
    #[command(visible_alias = "auth-key")]
    AuthKeys {
        #[command(subcommand)]
        command: AuthKeysCommand,
    },
    /// Changes this machine's settings
    Set {
        /// Tags to add, such as tag:laptop,tag:eng
        #[arg(long, required = true, value_delimiter = ',', value_parser = tag, value_name = "TAGS")]
        tags: Vec<String>,
    },
    /// Pings a machine through the tunnel; shows the path and the round-trip time
    Ping(PingArguments),
    /// Connects standard input and output to a TCP port of a machine, through the tunnel
    Nc(NcArguments),
    /// Quarantines, releases, approves or deletes a machine (admin)
    MachineAdmin(MachineAdminArguments),
}

/// A usage error, or the help text that was requested.
pub(crate) struct Usage(clap::Error);

/// Parses `args`, which exclude the program's name.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, Usage> {
    Cli::try_parse_from(args).map_err(Usage)
}

impl Usage {
    /// Prints help to standard output (exit 0) or a usage error to standard error (exit 2).
    pub(crate) fn report(&self) -> ExitCode {
        // The error repeats the argument, which may be a misplaced key.
        let text = redact(&self.0.render().to_string());
        let _ = if self.0.use_stderr() {
            std::io::stderr().write_all(text.as_bytes())
        } else {
            std::io::stdout().write_all(text.as_bytes())
        };
        u8::try_from(self.0.exit_code()).map_or(ExitCode::from(2), ExitCode::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Cli, Usage> {
        parse(line.split(' ').map(OsString::from))
    }

    #[test]
    fn command_definition_is_valid() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn machine_admin_takes_action_as_argument_or_option() {
        for line in [
            "machine-admin quarantine Linux-C --org o",
            "machine-admin --action quarantine Linux-C --org o",
            "machine-admin Linux-C --org o --action quarantine",
        ] {
            let Ok(Cli { command: Command::MachineAdmin(arguments), .. }) = parsed(line) else {
                panic!("{line}")
            };
            assert_eq!(
                (arguments.action, arguments.machine.as_str()),
                (MachineAction::Quarantine, "Linux-C")
            );
            assert_eq!(arguments.organisation.named.as_deref(), Some("o"));
        }
        for line in [
            "machine-admin",
            "machine-admin quarantine",
            "machine-admin explode m",
            "machine-admin --action delete a b",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }

    #[test]
    fn auth_key_is_an_alias_of_auth_keys() {
        for line in
            ["auth-key create --reusable --expiry 1h --tags a,tag:b", "auth-keys create --ephemeral --name x"]
        {
            assert!(parsed(line).is_ok(), "{line}");
        }
        assert!(parsed("auth-keys list --json --short").is_err());
    }
}
