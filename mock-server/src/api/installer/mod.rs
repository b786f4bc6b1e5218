//! The installer of `issuing/rollout.1`: `curl -fsSL BASE/install.sh | ZTNA_AUTH_KEY=KEY sh`.

mod downloads;
pub mod program;
pub mod script;

use std::path::PathBuf;

pub use downloads::{Download, Downloads};

/// The agent program that machines download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentProgram {
    /// Looked at for each download, so that it can be replaced at any time.
    pub file: PathBuf,
    /// The arguments that make the program act as `ztna`, if it is more than the agent.
    pub arguments: Vec<String>,
}
