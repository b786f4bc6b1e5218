//! A balancer in front of replicas: each request goes to the next one, whatever its connection.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, UPGRADE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, client, server, upgrade};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;

/// The relay, whose connections meet in one process: all of them go to the first replica.
const RELAY: &str = "/relay";

/// Runs until it is dropped.
pub(super) struct Balancer {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

struct Replicas {
    addresses: Vec<SocketAddr>,
    next: AtomicUsize,
}

type Body = BoxBody<Bytes, hyper::Error>;

impl Balancer {
    pub(super) fn start(listen: SocketAddr, replicas: Vec<SocketAddr>) -> io::Result<Self> {
        let listener = mock_server::app::listen(listen)?;
        let address = listener.local_addr()?;
        let replicas = Arc::new(Replicas { addresses: replicas, next: AtomicUsize::new(0) });
        let serving = tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                tokio::spawn(serve(stream, peer.ip(), Arc::clone(&replicas)));
            }
        });
        Ok(Self { address, serving })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(stream: TcpStream, peer: IpAddr, replicas: Arc<Replicas>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let replicas = Arc::clone(&replicas);
        async move { Ok::<_, Infallible>(forward(request, peer, &replicas).await) }
    });
    let connection = server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // An error ends the connection, which is all that can be done about it.
    let _ = connection.with_upgrades().await;
}

async fn forward(request: Request<Incoming>, peer: IpAddr, replicas: &Replicas) -> Response<Body> {
    exchange(request, peer, replicas).await.unwrap_or_else(|error| {
        let body = http_body_util::Full::new(Bytes::from(format!("no replica answers: {error}\n")));
        let mut response = Response::new(body.map_err(|never| match never {}).boxed());
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    })
}

async fn exchange(
    mut request: Request<Incoming>,
    peer: IpAddr,
    replicas: &Replicas,
) -> Result<Response<Body>, Box<dyn std::error::Error + Send + Sync>> {
    let stream = replicas.connect(peer, request.uri().path() == RELAY).await?;
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection.with_upgrades());
    let upgrading = request.headers().contains_key(UPGRADE);
    let of_client = upgrading.then(|| upgrade::on(&mut request));
    if !upgrading {
        request.headers_mut().remove(CONNECTION);
    }
    let mut response = sender.send_request(request).await?;
    if let (Some(of_client), StatusCode::SWITCHING_PROTOCOLS) = (of_client, response.status()) {
        let of_replica = upgrade::on(&mut response);
        tokio::spawn(async move {
            if let (Ok(client), Ok(replica)) = tokio::join!(of_client, of_replica) {
                let (mut client, mut replica) = (TokioIo::new(client), TokioIo::new(replica));
                let _ = tokio::io::copy_bidirectional(&mut client, &mut replica).await;
            }
        });
        return Ok(response.map(|_| Empty::new().map_err(|never| match never {}).boxed()));
    }
    response.headers_mut().remove(CONNECTION);
    // The connection to the replica lives as long as the response's body.
    Ok(response.map(|body| body.boxed()))
}

impl Replicas {
    /// Connects to the next replica that accepts, from the client's own address where it is this machine's, so that the
    /// replica sees it.
    async fn connect(&self, peer: IpAddr, first: bool) -> io::Result<TcpStream> {
        let turn = if first { 0 } else { self.next.fetch_add(1, Ordering::Relaxed) };
        let mut outcome = Err(io::ErrorKind::NotConnected.into());
        for at in 0..self.addresses.len() {
            let Some(address) = self.addresses.get((turn + at) % self.addresses.len()) else { continue };
            outcome = connect_from(peer, *address).await;
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }
}

async fn connect_from(peer: IpAddr, address: SocketAddr) -> io::Result<TcpStream> {
    let stream = match (peer.is_loopback(), peer) {
        (true, IpAddr::V4(_)) => {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(peer, 0))?;
            socket.connect(address).await?
        }
        _ => TcpStream::connect(address).await?,
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::Router;
    use axum::extract::ConnectInfo;
    use axum::routing::get;
    use harness_runner::exchange::{ClientSettings, build};
    use tokio::net::TcpListener;

    use super::*;

    async fn replica(name: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = move |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move {
            format!("{name} for {}", peer.ip())
        };
        let router = Router::new().route("/", get(answer)).route(RELAY, get(answer));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        address
    }

    #[tokio::test]
    async fn requests_of_one_connection_go_round_and_keep_their_address() {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let replicas = vec![replica("a").await, replica("b").await, gone];
        let balancer = Balancer::start("127.0.0.1:0".parse().unwrap(), replicas).unwrap();
        let target = reqwest::Url::parse(&format!("http://{}", balancer.address())).unwrap();
        let limit = Duration::from_secs(10);
        let settings = ClientSettings::plain(target, limit, limit);
        let client = build(&settings, Some(IpAddr::from([127, 0, 0, 7]))).unwrap();
        let mut answers = Vec::new();
        for path in ["/", "/", "/", "/", "/relay", "/relay"] {
            let url = format!("http://{}{path}", balancer.address());
            answers.push(client.get(url).send().await.unwrap().text().await.unwrap());
        }
        let expected = ["a", "b", "a", "a", "a", "a"].map(|name| format!("{name} for 127.0.0.7"));
        assert_eq!(answers, expected, "the third replica's turns go to the next one");
    }
}
