//! The number of file descriptors that the process may open, and how many of them connections get.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Bounds the memory of connections rather than their descriptors.
const MAX_CONNECTIONS: usize = 10_000;
/// For the database, the log, the agent's program and outgoing connections.
const RESERVED: usize = 128;

/// Raises the limit of open files as far as the system allows. Programs of the 1980s expect 1,024.
pub(in crate::app) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => tracing::debug!(from = limit.current, to = limit.maximum, "raised the limit of open files"),
        Err(error) => tracing::warn!(%error, current = limit.current, "cannot raise the limit of open files"),
    }
}

/// The number of connections for which there are descriptors.
pub(super) fn max_connections() -> usize {
    let descriptors = getrlimit(Resource::Nofile).current;
    let descriptors = descriptors.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    connections_for(descriptors)
}

fn connections_for(descriptors: usize) -> usize {
    let reserved = RESERVED.min(descriptors / 2);
    (descriptors - reserved).clamp(1, MAX_CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_the_rest() {
        for (descriptors, connections) in
            [(0, 1), (64, 32), (256, 128), (1024, 896), (4096, 3968), (1 << 20, 10_000), (usize::MAX, 10_000)]
        {
            assert_eq!(connections_for(descriptors), connections, "{descriptors}");
        }
    }
}
