//! An agent: a connection that asks for its machine's map, with as little work as can be.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

pub(crate) struct Agent {
    stream: TcpStream,
    token: String,
    buffer: Vec<u8>,
}

pub(crate) struct Answer {
    /// The beginning of its body.
    pub(crate) text: String,
    /// The length of its body.
    pub(crate) len: usize,
}

impl Agent {
    /// Connects from an address of loopback, since one address does not get all connections.
    pub(crate) async fn connect(address: SocketAddr, token: String, number: usize) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        let host = 2 + u8::try_from(number % 8).unwrap();
        socket.bind((Ipv4Addr::new(127, 0, 0, host), 0).into()).unwrap();
        let stream = socket.connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, token, buffer: Vec::new() }
    }

    pub(crate) async fn ask(&mut self, since: i64) {
        let token = &self.token;
        let request = format!(
            "GET /api/network-map?since={since}&wait=50 HTTP/1.1\r\nauthorization: Bearer {token}\r\naccept: */*\r\nhost: bench.example\r\n\r\n"
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
    }

    pub(crate) async fn post(&mut self, path: &str, body: &str) -> Answer {
        let (token, length) = (&self.token, body.len());
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: bench.example\r\nauthorization: Bearer {token}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.answer().await
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        let mut head = 0;
        let mut chunk = vec![0; 1024];
        let (mut length, mut received) = (None, 0);
        self.buffer.clear();
        while length.is_none_or(|length| received < length) {
            let read = self.stream.read(&mut chunk).await.unwrap();
            assert_ne!(read, 0, "the control plane hung up");
            received += read;
            if self.buffer.len() < 4096 {
                self.buffer.extend_from_slice(&chunk[..read]);
            }
            if length.is_none()
                && let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n")
            {
                head = end + 4;
                let text = str::from_utf8(&self.buffer[..head]).unwrap();
                assert!(text.starts_with("HTTP/1.1 20"), "{text}");
                let of_body = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                let of_body: usize = of_body.parse().unwrap();
                length = Some(head + of_body);
                chunk.resize(of_body.clamp(1024, 64 * 1024), 0);
            }
        }
        let text = String::from_utf8_lossy(&self.buffer[head..]).into_owned();
        Answer { text, len: received - head }
    }
}

impl Answer {
    pub(crate) fn version(&self) -> i64 {
        let after = self.text.split_once("\"version\":").unwrap().1;
        after.split_once(',').unwrap().0.parse().unwrap()
    }
}
