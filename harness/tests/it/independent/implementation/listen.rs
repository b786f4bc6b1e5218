//! The server: HTTP/1.1 that closes the connection after each response, or HTTP/2 over TLS.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::nature::Nature;
use super::pace::Pace;
use super::request::Request;
use super::service::Service;
use crate::independent::choices::Choice;
use crate::independent::files::certificate;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.1, one request for each connection unless another choice is made.
    Closing,
    /// HTTP/2 only, over TLS.
    Multiplexed,
}

/// The methods and paths of all requests so far.
type Heard = Arc<Mutex<Vec<String>>>;

/// Runs until it is dropped.
pub(crate) struct Implementation {
    pub(crate) base_url: String,
    pub(crate) nature: Nature,
    heard: Heard,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Implementation {
    pub(crate) fn start(nature: Nature, pace: Pace, protocol: Protocol) -> Self {
        let service = Service::new(nature.clone(), pace);
        let heard = Heard::default();
        let listening = Arc::clone(&heard);
        let (stop, stopped) = oneshot::channel();
        let (ready, address) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
                ready.send(listener.local_addr().unwrap()).unwrap();
                tokio::select! {
                    () = accept(listener, service, listening, protocol) => {}
                    _ = stopped => {}
                }
            });
        });
        let address: SocketAddr = address.recv().unwrap();
        let scheme = if protocol == Protocol::Multiplexed { "https" } else { "http" };
        let base_url = format!("{scheme}://{address}");
        Self { base_url, nature, heard, stop: Some(stop), thread: Some(thread) }
    }
}

impl Implementation {
    /// How often it was asked this, such as `POST /agent/join`.
    pub(crate) fn asked(&self, what: &str) -> usize {
        self.heard.lock().unwrap().iter().filter(|heard| *heard == what).count()
    }
}

impl Drop for Implementation {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, service: Service, heard: Heard, protocol: Protocol) {
    let acceptor = TlsAcceptor::from(settings());
    while let Ok((stream, peer)) = listener.accept().await {
        let (service, acceptor, heard) = (service.clone(), acceptor.clone(), Arc::clone(&heard));
        tokio::spawn(async move {
            match protocol {
                Protocol::Closing => one_by_one(stream, peer, service, heard).await,
                Protocol::Multiplexed => multiplex(acceptor, stream, peer, service, heard).await,
            }
        });
    }
}

async fn one_by_one(stream: TcpStream, peer: SocketAddr, service: Service, heard: Heard) {
    let stays = service.nature.chooses(Choice::ConnectionsStay);
    let dated = !service.nature.chooses(Choice::ResponsesWithoutDate);
    let answering = service_fn(move |request| answer(request, peer, service.clone(), Arc::clone(&heard)));
    let mut connection = http1::Builder::new();
    connection.keep_alive(stays).title_case_headers(true).auto_date_header(dated);
    let _ = connection.serve_connection(TokioIo::new(stream), answering).await;
}

async fn multiplex(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    peer: SocketAddr,
    service: Service,
    heard: Heard,
) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let answering = service_fn(move |request| answer(request, peer, service.clone(), Arc::clone(&heard)));
    let mut connection = http2::Builder::new(TokioExecutor::new());
    connection.timer(TokioTimer::new());
    let _ = connection.serve_connection(TokioIo::new(stream), answering).await;
}

async fn answer(
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
    service: Service,
    heard: Heard,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let nature = Arc::clone(&service.nature);
    let (head, body) = request.into_parts();
    heard.lock().unwrap().push(format!("{} {}", head.method, head.uri.path()));
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let bearer = head
        .headers
        .get("authorization")
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .map(str::to_owned);
    let query =
        form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let answer = service
        .answer(Request {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query,
            bearer,
            headers,
            body: serde_json::from_slice(&bytes).ok(),
            address: peer.ip(),
        })
        .await;
    let status = answer.status;
    let (content_type, body) = answer.written(&nature);
    let response = hyper::Response::builder().status(status).header("content-type", content_type);
    Ok(response.body(Full::new(Bytes::from(body))).unwrap())
}

/// The TLS configuration, which offers HTTP/2 only.
fn settings() -> Arc<rustls::ServerConfig> {
    let chain = CertificateDer::from_pem_file(certificate("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(certificate("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let mut settings = builder.with_single_cert(vec![chain], key).unwrap();
    settings.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(settings)
}
