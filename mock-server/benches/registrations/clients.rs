//! The clients, in a process of their own: HTTP/1.1 over kept connections, with as little work as can be.

#![allow(dead_code, reason = "each benchmark uses some of it")]

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long one measurement takes.
pub(crate) const SPAN: Duration = Duration::from_millis(600);
/// The argument that makes this program the clients.
pub(crate) const MODE: &str = "clients";

/// What clients send, and to whom: each stays with one address, and takes all keys in turn.
pub(crate) struct Load {
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) path: String,
    pub(crate) keys: Vec<String>,
    pub(crate) clients: usize,
    pub(crate) span: Duration,
}

impl Load {
    pub(crate) fn new(address: SocketAddr, path: &str, key: &str, clients: usize) -> Self {
        let (addresses, keys) = (vec![address], vec![key.to_owned()]);
        Self { addresses, path: path.to_owned(), keys, clients, span: SPAN }
    }

    /// Answers a second. Each `prefix` may be used once: names and public keys begin with it.
    pub(crate) async fn run(&self, prefix: &str) -> f64 {
        let addresses: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        let (clients, span) = (self.clients.to_string(), self.span.as_millis().to_string());
        let mut program = tokio::process::Command::new(std::env::current_exe().unwrap());
        program.args([MODE, &addresses.join(","), &self.path, &clients, &span, prefix]);
        let output = program.arg(self.keys.join(",")).stderr(Stdio::inherit()).output().await.unwrap();
        assert!(output.status.success(), "the clients failed");
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    }
}

/// Runs the clients of [`Load::run`] and prints their rate.
pub(crate) fn run(arguments: &[String]) {
    let [addresses, path, clients, span, prefix, rest @ ..] = arguments else { panic!("{arguments:?}") };
    let addresses: Vec<SocketAddr> = addresses.split(',').map(|address| address.parse().unwrap()).collect();
    let keys: Vec<&str> = rest.first().map_or("", String::as_str).split(',').collect();
    let (clients, span) = (clients.parse().unwrap(), Duration::from_millis(span.parse().unwrap()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rate = runtime.block_on(async {
        let connections =
            join_all((0..clients).map(|n| Client::connect(addresses[n % addresses.len()]))).await;
        let started = Instant::now();
        let running = connections.into_iter().enumerate().map(async |(number, mut client)| {
            let mut count: u32 = 0;
            let mut turns = keys.iter().cycle().skip(number * keys.len() / clients);
            while started.elapsed() < span {
                let key = turns.next().unwrap();
                client.register(path, key, &format!("{prefix}-{number}-{count}")).await;
                count += 1;
            }
            f64::from(count)
        });
        join_all(running).await.into_iter().sum::<f64>() / started.elapsed().as_secs_f64()
    });
    println!("{rate}");
}

/// A connection.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(4096) }
    }

    async fn register(&mut self, path: &str, key: &str, name: &str) {
        let public_key = public_key(name);
        let body = format!(r#"{{"auth_key":"{key}","name":"{name}","public_key":"{public_key}"}}"#);
        let answer = self.post(path, "", &body).await;
        assert!(answer.contains("\"success\":true"), "{answer}");
    }

    pub(crate) async fn post(&mut self, path: &str, token: &str, body: &str) -> String {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.buffer.clear();
        loop {
            assert_ne!(self.stream.read_buf(&mut self.buffer).await.unwrap(), 0, "the server hung up");
            let text = str::from_utf8(&self.buffer).unwrap();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse().unwrap() {
                return body.to_owned();
            }
        }
    }
}

/// A public key of the machine with this name, spread as keys are.
pub(crate) fn public_key(name: &str) -> String {
    let mut state = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut bytes = [0; 32];
    for chunk in bytes.chunks_mut(8) {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
    }
    BASE64_STANDARD.encode(bytes)
}
