//! One container of a sub-test.

use std::collections::HashMap;
use std::net::IpAddr;

use testcontainers::bollard::Docker;
use testcontainers::bollard::models::{DeviceMapping, HostConfig};
use testcontainers::core::Healthcheck;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt as _};
use tokio::sync::Mutex;

use super::engine::Image;
use super::error::ContainersError;
use super::network::Network;
use super::run_lock::RunLock;

/// How a container differs from the others.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) entrypoint: Option<&'static str>,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(&'static str, String)>,
    pub(super) host_name: Option<String>,
    /// Folders in memory, with their mount options. All else is read-only.
    pub(super) folders: Vec<(&'static str, &'static str)>,
    /// Whether it may create TUN devices.
    pub(super) has_tun: bool,
}

/// A running container, which is removed when it is dropped, and awaited when it is closed.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) address: IpAddr,
    running: Mutex<Option<ContainerAsync<GenericImage>>>,
}

impl Container {
    /// Starts a container on the network. `name` is unique in the sub-test.
    pub(super) async fn start(
        docker: &Docker,
        run: &RunLock,
        network: &Network,
        image: Image,
        name: &str,
        options: Options,
    ) -> Result<Self, ContainersError> {
        let full_name = format!("{}-{name}", network.name);
        let request = request(image, options)
            .with_network(&network.name)
            .with_container_name(&full_name)
            .with_labels(run.labels());
        let started = request.start().await;
        let running = started.map_err(|cause| ContainersError::Container { name: full_name, cause })?;
        let id = running.id().to_owned();
        let inspected = docker.inspect_container(&id, None).await;
        let inspected = inspected.map_err(ContainersError::engine("failed to inspect a container"))?;
        let networks = inspected.network_settings.and_then(|settings| settings.networks);
        let endpoint = networks.and_then(|mut networks| networks.remove(&network.name));
        let address = endpoint.and_then(|endpoint| endpoint.ip_address?.parse().ok());
        let address = address.ok_or_else(|| ContainersError::NoAddress { name: name.to_owned() })?;
        Ok(Self { name: name.to_owned(), id, address, running: Mutex::new(Some(running)) })
    }

    /// What it has printed.
    pub(super) async fn logs(&self) -> String {
        let running = self.running.lock().await;
        let Some(running) = running.as_ref() else { return String::new() };
        let (stdout, stderr) = tokio::join!(running.stdout_to_vec(), running.stderr_to_vec());
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        text(stdout.unwrap_or_default()) + &text(stderr.unwrap_or_default())
    }

    /// Kills and removes it.
    pub(super) async fn close(&self) {
        if let Some(running) = self.running.lock().await.take() {
            // Whatever remains is removed at the end of the run.
            let _ = running.rm().await;
        }
    }
}

fn request(image: Image, options: Options) -> ContainerRequest<GenericImage> {
    let Options { entrypoint, arguments, environment, host_name, folders, has_tun } = options;
    let mut generic = GenericImage::new(image.name(), Image::TAG);
    if let Some(entrypoint) = entrypoint {
        generic = generic.with_entrypoint(entrypoint);
    }
    let mut request = generic
        .with_cmd(arguments)
        .with_readonly_rootfs(true)
        .with_cap_drop("ALL")
        .with_security_opt("no-new-privileges")
        // The kit itself waits until it is ready.
        .with_health_check(Healthcheck::none())
        .with_host_config_modifier(move |config| complete(config, &folders, has_tun));
    if has_tun {
        request = request.with_cap_add("NET_ADMIN");
    }
    if let Some(host_name) = host_name {
        request = request.with_hostname(host_name);
    }
    for (name, value) in environment {
        request = request.with_env_var(name, value);
    }
    request
}

fn complete(config: &mut HostConfig, folders: &[(&'static str, &'static str)], has_tun: bool) {
    // The kit uses the containers' own addresses.
    config.publish_all_ports = Some(false);
    let folders = folders.iter().map(|(path, options)| ((*path).to_owned(), (*options).to_owned()));
    config.tmpfs = Some(folders.collect::<HashMap<_, _>>());
    if has_tun {
        let tun = "/dev/net/tun".to_owned();
        config.devices = Some(vec![DeviceMapping {
            path_on_host: Some(tun.clone()),
            path_in_container: Some(tun),
            cgroup_permissions: Some("rwm".to_owned()),
        }]);
    }
}
