//! The installer of `issuing/rollout.1`: `curl -fsSL BASE/install.sh | ZTNA_AUTH_KEY=KEY sh`.

pub mod program;
pub mod script;

use std::path::PathBuf;

/// What machines are given as their agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentProgram {
    /// The program; it is opened anew for each machine, so that it may be replaced meanwhile.
    pub file: PathBuf,
    /// What stands before the words of `ztna`, for a program that is more than the agent.
    pub arguments: Vec<String>,
}
