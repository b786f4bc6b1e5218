//! How an agent is started.

use std::ffi::OsString;

/// What `up` is told where there is no TUN device.
pub const WITHOUT_TUN: &str = "--userspace";

/// How an agent is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCommand {
    /// The program.
    pub program: OsString,
    /// What stands before the words of a step.
    pub arguments: Vec<OsString>,
    /// More environment.
    pub environment: Vec<(String, String)>,
    /// What every `up` gets beside its words, such as `--userspace` where there is no TUN device.
    pub up_flags: Vec<String>,
}
