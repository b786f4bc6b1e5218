//! The network of one sub-test.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU16, Ordering};

use harness_runner::targets::AddressBlock;
use testcontainers::bollard::Docker;
use testcontainers::bollard::models::{
    EndpointIpamConfig, EndpointSettings, Ipam, IpamConfig, NetworkConnectRequest, NetworkCreateRequest,
    NetworkDisconnectRequest,
};

use super::error::ContainersError;
use super::run_lock::RunLock;

/// How many blocks are tried: other programs may use some.
const ATTEMPTS: u16 = 64;

/// A bridge without a way out. The lower half of its addresses is for gates, the upper half for containers.
#[derive(Debug, Clone)]
pub(super) struct Network {
    docker: Docker,
    pub(super) name: String,
    pub(super) block: AddressBlock,
}

impl Network {
    /// Creates one in the first free block of 172.30.0.0/15, which scenarios do not use as foreign networks.
    pub(super) async fn create(
        docker: &Docker,
        run: &RunLock,
        name: String,
    ) -> Result<Self, ContainersError> {
        let mut attempt = 0;
        loop {
            let block = next_block();
            let created = docker.create_network(request(&name, block, run)).await;
            match created {
                Ok(_) => return Ok(Self { docker: docker.clone(), name, block }),
                Err(cause) if attempt >= ATTEMPTS => return Err(ContainersError::NoNetwork { cause }),
                Err(_) => attempt += 1,
            }
        }
    }

    /// The kit's own address on it.
    pub(super) fn gateway(&self) -> Ipv4Addr {
        address(self.block, 1)
    }

    pub(super) async fn connect(&self, container: &str, at: IpAddr) -> Result<(), ContainersError> {
        let ipam = EndpointIpamConfig { ipv4_address: Some(at.to_string()), ..Default::default() };
        let endpoint = EndpointSettings { ipam_config: Some(ipam), ..Default::default() };
        let request =
            NetworkConnectRequest { container: container.to_owned(), endpoint_config: Some(endpoint) };
        let connected = self.docker.connect_network(&self.name, request).await;
        connected.map_err(ContainersError::engine(format!("failed to connect a container at {at}")))
    }

    pub(super) async fn disconnect(&self, container: &str) -> Result<(), ContainersError> {
        let request = NetworkDisconnectRequest { container: container.to_owned(), force: Some(true) };
        let disconnected = self.docker.disconnect_network(&self.name, request).await;
        disconnected.map_err(ContainersError::engine("failed to disconnect a container"))
    }

    /// Removes it, once it has no containers. If that fails, the run's end removes it.
    pub(super) async fn remove(&self) {
        let _ = self.docker.remove_network(&self.name).await;
    }
}

fn request(name: &str, block: AddressBlock, run: &RunLock) -> NetworkCreateRequest {
    let config = IpamConfig {
        subnet: Some(format!("{block}.0/24")),
        ip_range: Some(format!("{block}.128/25")),
        gateway: Some(address(block, 1).to_string()),
        ..Default::default()
    };
    NetworkCreateRequest {
        name: name.to_owned(),
        internal: Some(true),
        ipam: Some(Ipam { config: Some(vec![config]), ..Default::default() }),
        labels: Some(run.labels()),
        ..Default::default()
    }
}

fn address(block: AddressBlock, last: u8) -> Ipv4Addr {
    let AddressBlock([first, second, third]) = block;
    Ipv4Addr::new(first, second, third, last)
}

/// Runs at the same time begin at different blocks.
fn next_block() -> AddressBlock {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() & 0xffff).unwrap_or_default().wrapping_mul(37);
    let number = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
    let [high, low] = number.to_be_bytes();
    AddressBlock([172, 30 + (high & 1), low])
}
