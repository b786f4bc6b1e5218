//! How an agent is started.

use std::ffi::OsString;

/// The flag that `up` gets where there is no TUN device.
pub const WITHOUT_TUN: &str = "--userspace";

/// How an agent is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCommand {
    pub program: OsString,
    /// Arguments before those of a step.
    pub arguments: Vec<OsString>,
    pub environment: Vec<(String, String)>,
    /// Additional flags of every `up`, such as `--userspace` where there is no TUN device.
    pub up_flags: Vec<String>,
}
