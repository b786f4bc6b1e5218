//! `up --userspace --serve` on one machine, `nc` on another: TCP through the tunnel.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use sha2::{Digest as _, Sha256};

use crate::agent::machine::{AUTH_KEY, Ended, Machine, Running};
use crate::agent::namespace::isolated;
use crate::test_server::TestServer;
use crate::unused_port::unused_port;
use crate::wait::{DEADLINE, eventually};

/// Two machines that are up; the second, `Web`, serves ports of the tailnet address.
struct Site {
    visitor: Machine,
    host: Machine,
    address: String,
    _server: TestServer,
    /// `ztna up` of the visitor and of the host.
    ups: [Running; 2],
}

impl Site {
    async fn open(services: &[(u16, u16)]) -> Self {
        let server = TestServer::listen().await;
        let (visitor, host) = (server.machine().await, server.machine().await);
        let key = server.create_key(&visitor, &["--name", "fleet", "--reusable"]);
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
        Self { visitor, host, address, _server: server, ups }
    }

    /// Runs `ztna nc` with this standard input.
    fn nc(&self, words: &[&str], input: &[u8]) -> Ended {
        Ended::of(output(self.visitor.ztna(&["nc"]).args(words), input), &self.visitor)
    }
}

fn output(command: &mut Command, input: &[u8]) -> std::process::Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // A command that exits early stops reading.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    })
}

/// Starts a service on this host and returns its port.
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

/// A service that reads to the end, then sends the length and digest of what it read, then `answer`.
fn digest_service(answer: Vec<u8>) -> impl Fn(TcpStream) + Send + Sync {
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

/// Pseudo-random bytes.
fn bytes(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = vec![0; length];
    for word in bytes.chunks_mut(8) {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        word.copy_from_slice(&(state >> 24).to_le_bytes()[..word.len()]);
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn nc_reaches_a_service_by_name_and_address() {
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

fn open_files(process: u32) -> usize {
    std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count()
}

#[allow(clippy::print_stderr, reason = "a figure for whoever runs it with --nocapture")]
#[tokio::test(flavor = "multi_thread")]
async fn large_concurrent_transfers_arrive_intact() {
    let (there, back) = (bytes(20_000_000), bytes(20_000_001));
    let port = service(digest_service(back.clone()));
    let site = Site::open(&[(9000, port)]).await;
    let line = format!("{} {}\n", there.len(), digest(&there));
    let transfer = || {
        let told = output(&mut site.visitor.ztna(&["nc", "Web", "9000"]), &there);
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        let (first, rest) = told.stdout.split_at(line.len());
        assert_eq!(String::from_utf8_lossy(first), line);
        assert_eq!(rest.len(), back.len());
        assert!(rest == back, "other bytes came back");
    };
    let begun = Instant::now();
    std::thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(transfer))));
    eprintln!("3 × ({} + {}) bytes in {:?}", there.len(), back.len(), begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_services_name_the_reason() {
    let port = service(drop);
    let site = Site::open(&[(8080, unused_port()), (9000, port)]).await;
    let address = &site.address;
    for (words, reason) in [
        (&["nobody", "80"][..], "no machine named 'nobody' in this network".to_owned()),
        (&["Visitor", "80"], "Visitor is this machine itself".to_owned()),
        (&["Web", "81"], format!("Web ({address}) refused the connection to port 81: nothing listens there")),
        (
            &["Web", "8080"],
            format!("Web ({address}) refused the connection to port 8080: nothing listens there"),
        ),
    ] {
        let refused = site.nc(words, b"");
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{words:?}");
        assert!(refused.stderr.starts_with(&reason), "{words:?}: {}", refused.stderr);
    }
    for words in [&["nc", "Web"][..], &["nc", "Web", "0"], &["nc", "Web", "65536"], &["nc", "Web", "http"]] {
        assert_eq!(site.visitor.run(words).code, Some(2), "{words:?}");
    }

    site.ups[1].signal(rustix::process::Signal::STOP);
    let silent = site.nc(&["Web", "9000", "--timeout", "300ms"], b"");
    site.ups[1].signal(rustix::process::Signal::CONT);
    let reason = "no answer from port 9000 of Web within 300ms\n";
    assert_eq!((silent.code, silent.stderr.as_str()), (Some(1), reason));

    site.visitor.run(&["down"]);
    let stopped = site.nc(&["Web", "9000"], b"");
    assert_eq!(stopped.code, Some(1));
    assert!(stopped.stderr.starts_with("QuickZTNA is not running."), "{}", stopped.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_services_are_refused_before_registration() {
    let machine = Machine::fresh().await;
    for (words, code, reason) in [
        (&["--serve", "80=127.0.0.1:1"][..], 1, "--serve is for --userspace only: with a TUN device"),
        (
            &["--userspace", "--serve", "80=127.0.0.1:1", "--serve", "80=127.0.0.1:2"],
            1,
            "--serve names port 80 more than once",
        ),
        (&["--userspace", "--serve", "80"], 2, "expected PORT=ADDRESS:PORT"),
        (&["--userspace", "--serve", "80=here"], 2, "invalid address 'here' after the '='"),
    ] {
        let mut command = machine.ztna(&["up"]);
        let ended = Ended::of(command.args(words).env("ZTNA_AUTH_KEY", AUTH_KEY).output().unwrap(), &machine);
        assert_eq!(ended.code, Some(code), "{words:?}");
        assert!(ended.stderr.contains(reason), "{words:?}: {}", ended.stderr);
    }
    assert!(machine.requests().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nc_closes_each_direction_separately() {
    // The service closes its own direction first, and then reads the rest.
    let (told, heard) = std::sync::mpsc::channel();
    let told = std::sync::Mutex::new(told);
    let port = service(move |mut stream| {
        stream.write_all(b"first").unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        told.lock().unwrap().send(rest).unwrap();
    });
    let site = Site::open(&[(9000, port)]).await;
    let mut command = site.visitor.ztna(&["nc", "Web", "9000"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 5];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(&first, b"first");
    child.stdin.take().unwrap().write_all(b"and the rest").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(heard.recv_timeout(DEADLINE).unwrap(), b"and the rest");
}

#[tokio::test(flavor = "multi_thread")]
async fn nc_exits_1_when_the_connection_breaks() {
    let (close, closing) = std::sync::mpsc::channel();
    let closing = std::sync::Mutex::new(closing);
    let port = service(move |mut stream| {
        stream.write_all(b"half of it").unwrap();
        // The kernel resets a socket that is closed with unread data, so leaves some.
        if stream.read_exact(&mut [0]).is_ok() && stream.peek(&mut [0]).is_ok() {
            closing.lock().unwrap().recv_timeout(DEADLINE).unwrap();
        }
    });
    let site = Site::open(&[(9000, port)]).await;
    let nc_that_got_half = || {
        let mut command = site.visitor.ztna(&["nc", "Web", "9000"]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut nc = child.unwrap();
        let mut half = [0; 10];
        nc.stdout.as_mut().unwrap().read_exact(&mut half).unwrap();
        assert_eq!(&half, b"half of it");
        nc
    };

    let mut nc = nc_that_got_half();
    nc.stdin.as_mut().unwrap().write_all(&bytes(10_000)).unwrap();
    close.send(()).unwrap();
    let broken = Ended::of(nc.wait_with_output().unwrap(), &site.visitor);
    assert_eq!((broken.code, broken.stdout.as_str()), (Some(1), ""));
    assert_eq!(broken.stderr, "the connection to Web was lost; data may be missing\n");

    let nc = nc_that_got_half();
    site.ups[0].signal(rustix::process::Signal::KILL);
    let ended = nc.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "its own 'ztna up' was killed");
}

#[tokio::test(flavor = "multi_thread")]
async fn short_connections_leak_no_descriptors() {
    let port = service(digest_service(b"bye".to_vec()));
    let site = Site::open(&[(9000, port)]).await;
    let once = |number: usize| {
        let said = site.nc(&["Web", "9000"], number.to_string().as_bytes());
        assert!(said.code == Some(0) && said.stdout.ends_with("bye"), "{number}: {}", said.stderr);
    };
    once(0);
    let relayed = |machine: &Machine| machine.run(&["status"]).stdout.contains("DERP Region:   blr1");
    // The last connection that an agent opens for itself.
    eventually(|| relayed(&site.visitor) && relayed(&site.host));
    let files = || site.ups.each_ref().map(|up| open_files(up.child.id()));
    let before = files();
    let one_after_another = |lane: usize| (0..40).for_each(|turn| once(40 * lane + turn));
    std::thread::scope(|scope| {
        (0..4).for_each(|lane| drop(scope.spawn(move || one_after_another(lane))));
    });
    eventually(|| files().iter().zip(before).all(|(now, before)| *now <= before));
}

#[test]
#[ignore = "needs root and ip"]
fn tun_and_userspace_machines_reach_each_other() {
    isolated(async || {
        let server = TestServer::listen().await;
        let (kernel, host) = (server.machine().await, server.machine().await);
        let key = server.create_key(&kernel, &["--name", "fleet", "--reusable"]);
        let port = service(digest_service(bytes(1_000_000)));
        let up = |machine: &Machine, words: &[&str]| {
            let mut command = machine.ztna(&["up", "--hostname"]);
            Running::start(command.args(words).env("ZTNA_AUTH_KEY", &key)).ready()
        };
        let _kernel = up(&kernel, &["Kernel"]);
        let _host = up(&host, &["Web", "--userspace", "--serve", &format!("9000=127.0.0.1:{port}")]);
        eventually(|| kernel.run(&["ping", "Web", "--timeout", "300ms"]).code == Some(0));

        let there = bytes(1_000_001);
        let told = output(&mut kernel.ztna(&["nc", "Web", "9000"]), &there);
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        assert!(told.stdout.starts_with(format!("{} {}\n", there.len(), digest(&there)).as_bytes()));
        assert!(told.stdout.ends_with(&bytes(1_000_000)));
        let refused = kernel.run(&["nc", "Web", "81"]);
        assert_eq!(refused.code, Some(1));
        assert!(refused.stderr.contains("refused the connection to port 81"), "{}", refused.stderr);

        // A listener on all addresses of the TUN machine is reachable without --serve.
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        std::thread::spawn(move || digest_service(b"bye".to_vec())(listener.accept().unwrap().0));
        let told = output(&mut host.ztna(&["nc", "Kernel", &port]), &there);
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        assert!(told.stdout.ends_with(b"\nbye"));
    });
}
