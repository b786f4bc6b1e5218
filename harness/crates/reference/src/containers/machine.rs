//! A machine of a sub-test in a container.

use std::io;
use std::path::Path;

use futures::future::BoxFuture;
use harness_runner::process::{Launch, Process};
use harness_runner::targets::MachineHost;
use harness_runner::targets::in_container::{INIT, SCRIPT_FILE, SUBCOMMAND};
use testcontainers::bollard::Docker;

use super::container::{Container, Options};
use super::engine::Image;
use super::error::ContainersError;
use super::exec::{self, KIT};
use super::network::Network;
use super::run_lock::RunLock;

/// The agent in the machine's image.
pub(super) const AGENT: &str = "/usr/local/bin/ztna";

/// The machine's folder, in memory. An agent that the documented command installs is executed there.
const FOLDER: &str = "/machine";
const FOLDER_OPTIONS: &str = "rw,exec,nosuid,nodev,mode=0700,size=512m";
const TEMPORARY: &str = "/tmp";
const TEMPORARY_OPTIONS: &str = "rw,exec,nosuid,nodev,mode=1777,size=512m";

#[derive(Debug)]
pub(super) struct Machine {
    docker: Docker,
    network: Network,
    container: Container,
}

impl Machine {
    pub(super) async fn start(
        docker: &Docker,
        run: &RunLock,
        network: &Network,
        host_name: &str,
    ) -> Result<Self, ContainersError> {
        let options = Options {
            entrypoint: Some(KIT),
            arguments: vec![SUBCOMMAND.to_owned(), INIT.to_owned()],
            host_name: Some(host_name.to_owned()),
            folders: vec![(FOLDER, FOLDER_OPTIONS), (TEMPORARY, TEMPORARY_OPTIONS)],
            has_tun: true,
            ..Options::default()
        };
        let container = Container::start(docker, run, network, Image::Machine, host_name, options).await?;
        Ok(Self { docker: docker.clone(), network: network.clone(), container })
    }

    pub(super) fn container(&self) -> &Container {
        &self.container
    }

    async fn connected(&self, is_connected: bool) -> Result<(), ContainersError> {
        let id = &self.container.id;
        match is_connected {
            true => self.network.connect(id, self.container.address).await,
            false => self.network.disconnect(id).await,
        }
    }
}

impl MachineHost for Machine {
    fn directory(&self) -> &Path {
        Path::new(FOLDER)
    }

    fn start(&self, launch: Launch) -> BoxFuture<'_, io::Result<Process>> {
        Box::pin(exec::start(&self.docker, &self.container.id, launch, None))
    }

    fn start_script(&self, script: String, launch: Launch) -> BoxFuture<'_, io::Result<Process>> {
        let launch = Launch { arguments: vec![SCRIPT_FILE.into()], ..launch };
        Box::pin(exec::start(&self.docker, &self.container.id, launch, Some(script)))
    }

    fn set_connected(&self, is_connected: bool) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move { self.connected(is_connected).await.map_err(io::Error::other) })
    }
}
