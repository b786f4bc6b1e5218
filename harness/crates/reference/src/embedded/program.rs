//! This program as the reference's agent, and the reference's configuration that names it.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use harness_runner::targets::{AgentCommand, Installs};
use mock_server::app::{AgentProgram, Config, Fixture};

use crate::front_proxy::FrontProxy;

use super::download::{launcher, loaded_part};

/// The hidden subcommand that makes this program the reference's agent.
pub const AGENT_SUBCOMMAND: &str = "__ztna";

const ALL_ADDRESSES: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// Runs the reference's agent in this process.
pub fn agent(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    ztna_agent::main(arguments)
}

/// A database in memory, and this program as the agent that the reference's installer installs.
pub(super) fn config(fixture: Fixture, front: Option<&dyn FrontProxy>, installs: Installs) -> Config {
    let AgentCommand { program, arguments, .. } = agent_command(front);
    let arguments = arguments.into_iter().filter_map(|word| word.into_string().ok()).collect();
    let program = Path::new(&program);
    let file = match installs {
        Installs::Nowhere => None,
        Installs::OnThisHost => launcher(),
        Installs::Elsewhere => loaded_part(program),
    };
    let file = file.unwrap_or_else(|| program.to_owned());
    let trusts_all = front.is_some_and(FrontProxy::trusts_all_proxies);
    Config {
        agent_program: Some(AgentProgram { file, arguments }),
        trusted_proxies: if trusts_all {
            ALL_ADDRESSES.iter().filter_map(|net| net.parse().ok()).collect()
        } else {
            Vec::new()
        },
        ..Config::embedded(fixture)
    }
}

/// Starts this program as the agent. The link in `/proc` still leads to it after a rebuild has replaced the file.
pub(super) fn agent_command(front: Option<&dyn FrontProxy>) -> AgentCommand {
    let link = Path::new("/proc/self/exe");
    let program = if link.exists() {
        link.into()
    } else {
        std::env::current_exe().unwrap_or_else(|_| "harness".into()).into_os_string()
    };
    let arguments =
        front.and_then(FrontProxy::agent_arguments).unwrap_or_else(|| vec![AGENT_SUBCOMMAND.into()]);
    AgentCommand { program, arguments, ..AgentCommand::default() }
}
