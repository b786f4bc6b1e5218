//! `up --userspace --serve` on one machine, `nc` on another: TCP through the tunnel.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use crate::house::House;
use crate::machine::{Ended, Machine, Running, eventually};

/// Two machines that are up; the second, `Web`, serves ports of the tailnet address.
struct Site {
    visitor: Machine,
    host: Machine,
    address: String,
    _house: House,
    _up: [Running; 2],
}

impl Site {
    async fn open(services: &[(u16, u16)]) -> Self {
        let house = House::open().await;
        let (visitor, host) = (house.machine().await, house.machine().await);
        let key = house.create_key(&visitor, &["--name", "fleet", "--reusable"]);
        let up = |machine: &Machine, name: &str, serve: &[String]| {
            let mut command = machine.ztna(&["up", "--userspace", "--hostname", name]);
            Running::start(command.args(serve).env("ZTNA_AUTH_KEY", &key)).ready()
        };
        let served: Vec<String> =
            services.iter().map(|(port, local)| format!("--serve={port}=127.0.0.1:{local}")).collect();
        let ups = [up(&visitor, "Visitor", &[]), up(&host, "Web", &served)];
        let address = host.state()["machine"]["tailnet_ip"].as_str().unwrap().to_owned();
        for (port, local) in services {
            let line = format!("Serving {address}:{port} from 127.0.0.1:{local}");
            assert!(ups[1].lines.contains(&line), "{:?}", ups[1].lines);
        }
        eventually(|| visitor.run(&["ping", "Web", "--timeout", "300ms"]).code == Some(0));
        Self { visitor, host, address, _house: house, _up: ups }
    }

    /// `nc` with this on its standard input.
    fn nc(&self, words: &[&str], input: &[u8]) -> Ended {
        Ended::of(output(self.visitor.ztna(&["nc"]).args(words), input), &self.visitor)
    }
}

fn output(command: &mut Command, input: &[u8]) -> std::process::Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // A command that ends early reads no further.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    })
}

/// A service of this host; the port it listens on.
fn service(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream.unwrap()));
        }
    });
    port
}

/// Hears everything, then tells how much it was and its digest, then says `answer`.
fn digesting(answer: Vec<u8>) -> impl Fn(TcpStream) + Send + Sync {
    move |mut stream| {
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).unwrap();
        writeln!(stream, "{} {}", heard.len(), digest(&heard)).unwrap();
        stream.write_all(&answer).unwrap();
    }
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Bytes that differ everywhere.
fn bytes(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let word = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 24).to_le_bytes()
    };
    std::iter::repeat_with(word).flatten().take(length).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_fetched_by_name_and_by_address() {
    let page = service(|mut stream| {
        let mut request = [0; 512];
        let length = stream.read(&mut request).unwrap();
        assert!(request[..length].starts_with(b"GET / HTTP/1.0\r\n"));
        stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello").unwrap();
    });
    let site = Site::open(&[(8080, page)]).await;
    for machine in ["Web", &site.address] {
        let fetched = site.nc(&[machine, "8080"], b"GET / HTTP/1.0\r\n\r\n");
        assert_eq!(
            (fetched.code, fetched.stdout.as_str(), fetched.stderr.as_str()),
            (Some(0), "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn much_arrives_whole_in_both_directions_and_several_at_once() {
    let (there, back) = (bytes(20_000_000), bytes(20_000_001));
    let port = service(digesting(back.clone()));
    let site = Site::open(&[(9000, port)]).await;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let told = output(&mut site.visitor.ztna(&["nc", "Web", "9000"]), &there);
                assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
                let line = format!("{} {}\n", there.len(), digest(&there));
                let (first, rest) = told.stdout.split_at(line.len());
                assert_eq!(String::from_utf8_lossy(first), line);
                assert_eq!((rest.len(), digest(rest)), (back.len(), digest(&back)));
            });
        }
    });
    eprintln!("{:?}", begun.elapsed());
}
