//! Machines that reach each other through relays: real processes, and hostile clients of a relay.

mod processes;
mod wire;

use std::net::SocketAddr;

use mock_server::app::{Fixture, RelayConfig, RelayServer};

/// The secret that the control plane and its relays share.
const SECRET: &str = "what-control-plane-and-relays-share";

/// The built-in organisations with these regions, each a code and the URL of its relay.
fn fixture(regions: &[(&str, &str)]) -> Fixture {
    let built_in = include_str!("../../../../../fixtures/organisations.toml");
    let (organisations, _) = built_in.split_once("[[region]]\ncode").unwrap();
    let region = |(code, url): &(&str, &str)| {
        let url = if url.is_empty() { String::new() } else { format!("url = {url:?}\n") };
        format!("[[region]]\ncode = {code:?}\nname = {code:?}\n{url}")
    };
    let regions: String = regions.iter().map(region).collect();
    Fixture::parse(&format!("{organisations}{regions}"), "the test").unwrap()
}

async fn start_relay(listen: SocketAddr, region: &str, control: &str) -> RelayServer {
    let (control, secret) = (control.to_owned(), SECRET.to_owned());
    RelayServer::start(RelayConfig { listen, region: region.parse().unwrap(), control, secret })
        .await
        .unwrap()
}
