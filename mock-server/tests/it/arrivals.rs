//! Agents that all return at the same moment, as after a restart of the control plane.

use std::net::{SocketAddr, TcpStream};

use mock_server::app::{self, Config, Fixture, RelayConfig, RelayServer, TestControlConfig};

use crate::wait::DEADLINE;

/// More than the standard library lets wait, and fewer than a system does by default.
const ARRIVALS: usize = 600;

fn address(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").split('/').next().unwrap().parse().unwrap()
}

/// Nothing is accepted meanwhile, since this thread is the runtime's only one.
#[tokio::test]
async fn hundreds_connect_before_any_is_accepted() {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let test_control = Some(TestControlConfig { listen: loopback, token: None });
    let config = Config { test_control, ..Config::embedded(Fixture::built_in().unwrap()) };
    let server = app::start(config).await.unwrap();
    let control = server.base_url().to_owned();
    let region = "blr1".parse().unwrap();
    let relay = RelayConfig { listen: loopback, region, control, secret: "shared".to_owned() };
    let relay = RelayServer::start(relay).await.unwrap();

    let clock = address(server.ready().control_url.as_ref().unwrap());
    for (listener, address) in
        [("control plane", server.address()), ("test control", clock), ("relay", relay.address())]
    {
        let mut connected = Vec::with_capacity(ARRIVALS);
        for number in 0..ARRIVALS {
            let connection = TcpStream::connect_timeout(&address, DEADLINE);
            connected
                .push(connection.unwrap_or_else(|error| panic!("{listener}, {number} waiting: {error}")));
        }
    }
}
