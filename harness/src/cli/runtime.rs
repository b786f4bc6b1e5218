//! The choice between a reference in this process and one in containers.

/// Where the reference runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Runtime {
    /// In the kit's own process
    Embedded,
    /// Every control plane and every machine in a container of its own (feature `containers`)
    Containers,
}
