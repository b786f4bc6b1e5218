//! Targets of a run: [`Target`] and its implementation for a deployed implementation that all sub-tests share.

mod agent;
mod control_plane;
mod credential;
mod dashboard;
mod environment;
mod error;
pub mod forward;
pub mod host_name;
pub mod host_tool;
pub mod in_container;
mod machine_host;
pub mod namespace;
pub mod paths;
pub mod pointers;
mod post;
mod preflight;
mod probe;
pub mod profile;
pub mod remote;
mod request;
mod sessions;
mod target;

pub use agent::{AgentCommand, AgentWords, WITHOUT_TUN};
pub use control_plane::ControlPlane;
pub use dashboard::{Account, Dashboard, SignInAct};
pub use environment::{
    AddressBlock, EnvironmentFacts, OrganisationLimit, TerraformProvider, TestEnvironment,
};
pub use error::{Cause, RenewalFailure, TargetError};
pub use machine_host::MachineHost;
pub use post::{PostError, post_json};
pub use preflight::{Finding, PreflightScope, ProfileNeeds, State};
pub use target::{EnvironmentNeeds, Installs, Target, lacking_host_name};
