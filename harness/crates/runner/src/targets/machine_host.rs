//! Where the processes of a machine run, if that is not this host.

use std::fmt;
use std::io;
use std::path::Path;

use futures::future::BoxFuture;

use crate::process::{Launch, Process};

/// A host of its own for one machine of a sub-test, such as a container. It ends with the sub-test's control plane.
pub trait MachineHost: fmt::Debug + Send + Sync {
    /// The machine's own folder there, which is writable.
    fn directory(&self) -> &Path;

    /// Starts a process as [`Process::start`] does.
    fn start(&self, launch: Launch) -> BoxFuture<'_, io::Result<Process>>;

    /// Starts a script in the host's shell; `launch` has the shell alone. The script may contain keys.
    fn start_script(&self, script: String, launch: Launch) -> BoxFuture<'_, io::Result<Process>>;

    /// Cuts the host off its network, or connects it again at the same address.
    fn set_connected(&self, is_connected: bool) -> BoxFuture<'_, io::Result<()>>;
}
