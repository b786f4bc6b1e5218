//! A server with arbitrary responses, over HTTP/1.1 with or without TLS.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) bearer: String,
    pub(crate) body: String,
    /// The number of earlier requests with this method and path.
    pub(crate) before: usize,
}

pub(crate) enum Answer {
    /// A complete response: status, content type, body.
    Whole(u16, &'static str, String),
    /// No response: the connection closes, as with nginx' `return 444`.
    Closed,
    /// A response that is cut off.
    Cut,
    /// No response for several seconds.
    Silence,
    /// A response of this many bytes without a content length.
    Long(usize),
}

pub(crate) struct Server {
    pub(crate) base_url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    protocols: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::with(None, answer)
    }

    pub(crate) fn secure(
        config: ServerConfig,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::with(Some(Arc::new(config)), answer)
    }

    fn with(
        config: Option<Arc<ServerConfig>>,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if config.is_some() { "https" } else { "http" };
        let base_url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let (asked, protocols) = (Arc::default(), Arc::default());
        let server = Self { base_url, asked: Arc::clone(&asked), protocols: Arc::clone(&protocols) };
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, asked, protocols) = (config.clone(), Arc::clone(&asked), Arc::clone(&protocols));
                let answer = Arc::clone(&answer);
                thread::spawn(move || match config {
                    None => serve(stream, &asked, &*answer),
                    Some(config) => {
                        let mut connection = ServerConnection::new(config).unwrap();
                        let mut plain: TcpStream = stream;
                        if connection.complete_io(&mut plain).is_err() {
                            // Read to the end first: closing earlier would reset the connection and lose the TLS alert.
                            let _ = plain.shutdown(Shutdown::Write);
                            let _ = std::io::copy(&mut plain, &mut std::io::sink());
                            return;
                        }
                        let protocol = connection.alpn_protocol().unwrap_or_default().to_vec();
                        protocols.lock().unwrap().push(protocol);
                        serve(StreamOwned::new(connection, plain), &asked, &*answer);
                    }
                });
            }
        });
        server
    }

    /// The number of requests with this method and path.
    pub(crate) fn times(&self, method: &str, path: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|asked| asked.method == method && asked.path == path).count()
    }

    /// The negotiated protocols (ALPN).
    pub(crate) fn protocols(&self) -> Vec<Vec<u8>> {
        self.protocols.lock().unwrap().clone()
    }
}

/// The documented responses to the probing sub-tests.
pub(crate) fn right(asked: &Asked) -> Answer {
    let json = |status, body: &str| Answer::Whole(status, "application/json", body.to_owned());
    match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/api/keys") if asked.body.contains("first") => json(
            201,
            r#"{"success":true,"data":{"id":"9f0c1d8e-2f43-4c39-9a61-0a4f4b1c2d3e","key":"k-0123456789abcdef0123","name":"first","expiry_days":7}}"#,
        ),
        ("POST", "/api/keys") => {
            json(400, r#"{"success":false,"error":{"code":"MISSING_FIELDS","message":"name required"}}"#)
        }
        ("GET", "/api/db/keys") => json(200, r#"{"success":true,"data":[{"used_count":0}]}"#),
        ("DELETE", _) => Answer::Whole(204, "text/plain", String::new()),
        _ => json(404, r#"{"success":false,"error":{"code":"NOT_FOUND","message":"no"}}"#),
    }
}

/// A TLS configuration with a certificate of `fixtures/certificates`.
pub(crate) fn tls(certificate: &str, wants_client: bool) -> ServerConfig {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chain = vec![CertificateDer::from_pem_file(fixture(&format!("{certificate}.pem"))).unwrap()];
    let key = PrivateKeyDer::from_pem_file(fixture(&format!("{certificate}.key"))).unwrap();
    let builder = ServerConfig::builder();
    let builder = if wants_client {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(fixture("authority.pem")).unwrap()).unwrap();
        builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    builder.with_single_cert(chain, key).unwrap()
}

pub(crate) fn fixture(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/certificates").join(file)
}

fn serve(
    mut stream: impl Read + Write,
    asked: &Mutex<Vec<Asked>>,
    answer: &(dyn Fn(&Asked) -> Answer + Send + Sync),
) {
    let Some(request) = read(&mut stream, asked) else {
        // Anything else than HTTP, such as a TLS handshake, is answered as an ordinary server would.
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
        return;
    };
    let sent = match answer(&request) {
        Answer::Whole(status, kind, body) => {
            let location =
                if (300..400).contains(&status) { format!("location: {body}\r\n") } else { String::new() };
            let body = if location.is_empty() { body } else { String::new() };
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\nserver: hostile\r\n{location}content-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all((head + &body).as_bytes())
        }
        Answer::Closed => Ok(()),
        Answer::Cut => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"success\":"),
        Answer::Silence => {
            thread::sleep(Duration::from_secs(5));
            Ok(())
        }
        Answer::Long(bytes) => long(&mut stream, bytes),
    };
    let _ = sent.and_then(|()| stream.flush());
}

/// Sends a body whose length is not announced, and stays until the client has closed: a busy one would be cut off otherwise.
fn long(stream: &mut (impl Read + Write), bytes: usize) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n")?;
    let piece = "x".repeat(64 * 1024);
    let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
    for _ in 0..bytes / piece.len() {
        stream.write_all(chunk.as_bytes())?;
    }
    stream.write_all(b"0\r\n\r\n")?;
    stream.flush()?;
    std::io::copy(stream, &mut std::io::sink()).map(drop)
}

fn read(stream: &mut impl Read, asked: &Mutex<Vec<Asked>>) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let (head, mut body) = loop {
        let length = stream.read(&mut buffer).ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&buffer[..length]);
        if !bytes[0].is_ascii_uppercase() {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            break (head.to_owned(), body.to_owned());
        }
    };
    let header = |name: &str| {
        let found = head.lines().find_map(|line| {
            line.split_once(": ")
                .filter(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        });
        found.unwrap_or_default().to_owned()
    };
    while body.len() < header("content-length").parse().unwrap_or(0) {
        let length = stream.read(&mut buffer).ok().filter(|length| *length > 0)?;
        body.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    let mut words = head.lines().next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let path = target.split('?').next()?.to_owned();
    let bearer = header("authorization").trim_start_matches("Bearer ").to_owned();
    let mut asked = asked.lock().unwrap();
    let before = asked.iter().filter(|known| known.method == method && known.path == path).count();
    let request = Asked { method, path, bearer, body, before };
    asked.push(request.clone());
    Some(request)
}
