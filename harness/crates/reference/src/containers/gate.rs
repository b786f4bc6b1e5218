//! A container at a chosen address, through which the kit's requests reach the control plane.

use std::net::{IpAddr, SocketAddr};

use harness_runner::targets::in_container::{GATE, SUBCOMMAND};
use testcontainers::bollard::Docker;

use super::container::{Container, Options};
use super::engine::Image;
use super::error::ContainersError;
use super::exec::KIT;
use super::network::Network;
use super::run_lock::RunLock;

/// Above 1023, so that no capability is needed.
const PORT: u16 = 8080;

/// Starts a gate at that address of the network.
pub(super) async fn open(
    docker: &Docker,
    run: &RunLock,
    network: &Network,
    at: IpAddr,
    control_plane: SocketAddr,
) -> Result<(Container, SocketAddr), ContainersError> {
    let options = Options {
        entrypoint: Some(KIT),
        arguments: [SUBCOMMAND, GATE, &format!("0.0.0.0:{PORT}"), &control_plane.to_string()]
            .map(str::to_owned)
            .to_vec(),
        ..Options::default()
    };
    let name = format!("gate-{at}");
    let container = Container::start(docker, run, network, Image::Machine, &name, options).await?;
    // testcontainers leaves the choice of the address to the engine.
    network.disconnect(&container.id).await?;
    network.connect(&container.id, at).await?;
    Ok((container, SocketAddr::new(at, PORT)))
}
