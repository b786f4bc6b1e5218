//! Starts this program as the reference's agent.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use harness_runner::targets::AgentCommand;
use mock_server::app::{AgentProgram, Config, Fixture};

use crate::front::Front;

/// The hidden subcommand that makes this program the reference's agent.
pub const AGENT_SUBCOMMAND: &str = "__ztna";

const EVERYBODY: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// Runs the reference's agent in this process.
pub fn agent(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    ztna_agent::main(arguments)
}

/// Returns the configuration of an in-memory reference whose installer installs this program as the agent.
pub(super) fn config(fixture: Fixture, front: Option<&dyn Front>) -> Config {
    let AgentCommand { program, arguments, .. } = itself(front);
    let arguments = arguments.into_iter().filter_map(|word| word.into_string().ok()).collect();
    let trusts_everybody = front.is_some_and(Front::trusts_every_proxy);
    Config {
        agent_program: Some(AgentProgram { file: program.into(), arguments }),
        trusted_proxies: if trusts_everybody {
            EVERYBODY.iter().filter_map(|net| net.parse().ok()).collect()
        } else {
            Vec::new()
        },
        ..Config::embedded(fixture)
    }
}

/// Returns the command that starts this program as the agent. The `/proc` link survives a rebuild that replaces the file.
pub(super) fn itself(front: Option<&dyn Front>) -> AgentCommand {
    let link = Path::new("/proc/self/exe");
    let program = if link.exists() {
        link.into()
    } else {
        std::env::current_exe().unwrap_or_else(|_| "harness".into()).into_os_string()
    };
    let arguments = front.and_then(Front::agent).unwrap_or_else(|| vec![AGENT_SUBCOMMAND.into()]);
    AgentCommand { program, arguments, environment: Vec::new(), up_flags: Vec::new() }
}
