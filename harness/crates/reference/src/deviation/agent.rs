//! Changes to the reference's agent.

use std::path::PathBuf;

use super::message::{ProxyRequest, ProxyResponse};
use super::state::ProxyState;

/// What is changed around one call of the agent.
#[derive(Clone, Copy)]
pub struct AgentDeviation {
    /// Changes the call, or the files of its state folder, before the agent starts.
    pub before_start: fn(&mut AgentCall),
    /// Changes standard output and standard error: line by line for `up` and `login`, as a whole for other commands.
    pub rewrite_output: fn(&AgentCall, &str) -> String,
    /// Whether the agent is killed after it printed that line.
    pub ends_after: fn(&AgentCall, &str) -> bool,
    /// Whether `ztna` stays, until it is terminated, when the agent ended after Ctrl+C (true) or for another reason.
    pub lingers: fn(&AgentCall, bool) -> bool,
    /// Changes the exit code, or the files of the state folder, after the agent has exited.
    pub after_exit: fn(&mut AgentCall),
    /// Changes what a command asks the control plane for.
    pub on_request: Option<fn(&mut ProxyRequest, &mut ProxyState) -> Option<ProxyResponse>>,
    /// Changes what a command is answered by the control plane.
    pub on_response: Option<fn(&ProxyRequest, &mut ProxyResponse, &mut ProxyState)>,
    /// The calls whose requests and responses are changed.
    pub proxies: fn(&AgentCall) -> bool,
}

/// One call of the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCall {
    /// The words after `ztna`.
    pub words: Vec<String>,
    /// Variables to set, or to remove (`None`).
    pub environment: Vec<(String, Option<String>)>,
    pub state_folder: PathBuf,
    /// Only meaningful after the agent has exited.
    pub exit_code: u8,
    /// What it printed, after changes. Only complete after the agent has exited.
    pub printed: String,
    /// Set by a deviation that changed a file, which a comparison of two calls cannot show.
    pub changed_files: bool,
}

impl AgentCall {
    /// Whether the call begins with these words.
    pub fn is_command(&self, words: &str) -> bool {
        words.split(' ').eq(self.words.iter().take(words.split(' ').count()))
    }

    pub fn has_flag(&self, flag: &str) -> bool {
        self.words.iter().any(|word| word == flag)
    }
}

/// Changes nothing; the base of all agent deviations.
pub const UNCHANGED_AGENT: AgentDeviation = AgentDeviation {
    before_start: |_| (),
    rewrite_output: |_, text| text.to_owned(),
    ends_after: |_, _| false,
    lingers: |_, _| false,
    after_exit: |_| (),
    on_request: None,
    on_response: None,
    // `up` would keep the proxy's address.
    proxies: |call| !call.is_command("up"),
};
