//! `mock-server healthcheck`: what Docker's HEALTHCHECK runs in an image without a shell or curl.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// The port at which the images listen.
pub(super) const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

const PATH: &str = "/healthz";
/// Docker ends a check after its own limit, which is longer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Enough for the status line.
const MAX_HEAD_BYTES: u64 = 64;

/// Why a server does not count as healthy.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    #[error("{address} does not answer: {source}")]
    Unreachable { address: SocketAddr, source: std::io::Error },
    #[error("GET {PATH} at {address} returned {status}")]
    Unhealthy { address: SocketAddr, status: String },
}

/// Asks the server at the address.
pub(super) fn check(address: SocketAddr) -> Result<(), HealthError> {
    let head = status_line(address).map_err(|source| HealthError::Unreachable { address, source })?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    match status {
        "200" => Ok(()),
        _ => Err(HealthError::Unhealthy { address, status: status.to_owned() }),
    }
}

fn status_line(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    // In one piece: a server that answers its first part would close the connection on the rest.
    let request = format!("GET {PATH} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    stream.take(MAX_HEAD_BYTES).read_to_end(&mut head)?;
    Ok(String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn only_status_200_is_healthy() {
        for (answer, healthy) in [
            ("HTTP/1.1 200 OK\r\n\r\n{}", true),
            ("HTTP/1.1 503 Service Unavailable\r\n\r\n", false),
            ("", false),
        ] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let address = listener.local_addr().unwrap();
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 256];
                let length = stream.read(&mut request).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
                String::from_utf8_lossy(&request[..length]).into_owned()
            });
            assert_eq!(check(address).is_ok(), healthy, "{answer}");
            assert!(server.join().unwrap().starts_with("GET /healthz HTTP/1.1"));
        }
    }
}
