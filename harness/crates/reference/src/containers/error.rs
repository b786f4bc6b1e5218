//! Why the reference cannot be run in containers.

use std::io;

use mock_server::app::StartError;
use testcontainers::TestcontainersError;
use testcontainers::bollard::errors::Error as EngineError;

#[derive(Debug, thiserror::Error)]
pub enum ContainersError {
    #[error(
        "no container engine answers at {address}: {cause}\n\
         install one (Debian: apt-get install --no-install-recommends docker.io iptables) and start it, or set DOCKER_HOST"
    )]
    NoEngine { address: String, cause: String },
    #[error("the container engine has no image {image}\nbuild the images: just images")]
    NoImage { image: String },
    #[error("{action}: {cause}")]
    Engine { action: String, cause: EngineError },
    #[error("failed to start container {name}: {cause}")]
    Container { name: String, cause: TestcontainersError },
    #[error("container {name} has no address on its network")]
    NoAddress { name: String },
    #[error("the control plane in container {name} {state} within {seconds} s\n{logs}")]
    NotReady { name: String, state: &'static str, seconds: u64, logs: String },
    #[error(
        "no free network below 172.30.0.0/15: {cause}\nremove networks that nobody uses: docker network prune"
    )]
    NoNetwork { cause: EngineError },
    #[error("failed to lock {path}: {cause}\nset TMPDIR to a writable folder")]
    Lock { path: String, cause: io::Error },
    #[error("failed to listen on a loopback port: {0}")]
    Loopback(io::Error),
    #[error("the kit was not prepared for containers")]
    NotPrepared,
    #[error(transparent)]
    Fixture(#[from] StartError),
}

impl ContainersError {
    /// Returns a function that says what the kit asked the engine for.
    pub(super) fn engine(action: impl Into<String>) -> impl FnOnce(EngineError) -> Self {
        move |cause| Self::Engine { action: action.into(), cause }
    }
}
