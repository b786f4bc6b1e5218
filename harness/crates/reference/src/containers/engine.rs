//! The connection to the container engine, and the images that a run needs.

use std::time::Duration;

use testcontainers::bollard::Docker;
use testcontainers::core::client::docker_client_instance;

use super::error::ContainersError;

/// An engine on this host answers in milliseconds.
const TIMEOUT: Duration = Duration::from_millis(800);
const DEFAULT_ADDRESS: &str = "unix:///var/run/docker.sock";

/// An image that `just images` builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Image {
    ControlPlane,
    /// The agent, with a shell and curl for the documented installation, and the kit for `in_container`.
    Machine,
}

impl Image {
    pub(super) const ALL: [Self; 2] = [Self::ControlPlane, Self::Machine];
    pub(super) const TAG: &str = env!("CARGO_PKG_VERSION");

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ControlPlane => "quickztna/control-plane",
            Self::Machine => "quickztna/machine",
        }
    }
}

/// Connects to the engine of DOCKER_HOST or the usual one, and checks that it has the images.
pub(super) async fn connect() -> Result<Docker, ContainersError> {
    let failed = |cause: String| {
        let address = std::env::var("DOCKER_HOST").unwrap_or_else(|_| DEFAULT_ADDRESS.to_owned());
        ContainersError::NoEngine { address, cause }
    };
    let docker = docker_client_instance().await.map_err(|error| failed(error.to_string()))?;
    match tokio::time::timeout(TIMEOUT, docker.ping()).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(failed(root_cause(&error))),
        Err(_) => return Err(failed(format!("timed out after {TIMEOUT:?}"))),
    }
    for image in Image::ALL {
        let full = format!("{}:{}", image.name(), Image::TAG);
        docker.inspect_image(&full).await.map_err(|_| ContainersError::NoImage { image: full })?;
    }
    Ok(docker)
}

/// The client's own message only says that connecting failed.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}
