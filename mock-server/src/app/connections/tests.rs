//! Strangers that open connections and send, or read, nothing.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::*;
use crate::api::deferred::{CanDefer, Deferred};

const LONG: Duration = Duration::from_secs(60);
/// Longer than a busy machine takes from one line of a test to the next.
const SHORT: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(10);

fn generous() -> Limits {
    Limits {
        connections: 100,
        per_address: 100,
        unproven: 100,
        head: LONG,
        idle: LONG,
        stalled: LONG,
        unlimited: Vec::new(),
    }
}

struct Listening {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: tokio::task::JoinHandle<()>,
    /// A permit for each request of `/slow` that has begun.
    slow: Arc<Semaphore>,
}

/// Serves `/` at once, `/slow` after a second, and 64 MB at `/large`.
async fn start(limits: Limits) -> Listening {
    let large = Bytes::from(vec![b'x'; 64 << 20]);
    let slow = Arc::new(Semaphore::new(0));
    let begun = Arc::clone(&slow);
    let router = Router::new()
        .route("/", get(async || "hello"))
        .route(
            "/slow",
            get(async move || {
                begun.add_permits(1);
                tokio::time::sleep(Duration::from_secs(1)).await;
                "done"
            }),
        )
        .route("/large", get(async move || Response::new(Body::from(large))))
        .route("/body", post(async |body: Bytes| format!("{} bytes", body.len())));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = watch::channel(false);
    Listening { address, stop, serving: tokio::spawn(serve(listener, router, limits, stopping)), slow }
}

impl Listening {
    async fn slow_has_begun(&self) {
        timeout(PATIENCE, self.slow.acquire()).await.expect("the request begins").unwrap().forget();
    }

    async fn open(&self, sent: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        stream
    }

    async fn get(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let mut stream = self.open(&request).await;
        rest(&mut stream).await
    }
}

/// Reads until the other side closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the server closes");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads the answer to a request on a connection that stays open.
async fn hello(stream: &mut TcpStream) -> bool {
    if stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.is_err() {
        return false;
    }
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        let mut buffer = [0; 1024];
        match timeout(PATIENCE, stream.read(&mut buffer)).await.expect("an answer") {
            Ok(0) | Err(_) => return false,
            Ok(read) => answer.extend_from_slice(&buffer[..read]),
        }
    }
    true
}

#[tokio::test]
async fn heads_that_do_not_end_are_not_awaited() {
    let server = start(Limits { head: SHORT, ..generous() }).await;
    for sent in ["", "G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nhost: x\r\na: ", "\r\n\r\n"] {
        let mut stream = server.open(sent).await;
        assert!(!rest(&mut stream).await.contains("hello"), "{sent:?}");
    }
    // A header now and then does not help.
    let mut stream = server.open("GET / HTTP/1.1\r\n").await;
    let mut closed = false;
    for n in 0..100 {
        closed = stream.write_all(format!("x-{n}: y\r\n").as_bytes()).await.is_err();
        if closed {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(closed);
    assert!(server.get("/slow").await.ends_with("done"), "an answer may take longer than a head");
}

#[tokio::test]
async fn long_heads_are_refused() {
    let server = start(generous()).await;
    let mut stream = server.open("GET / HTTP/1.1\r\n").await;
    let header = format!("x: {}\r\n", "y".repeat(1000));
    for _ in 0..100 {
        if stream.write_all(header.as_bytes()).await.is_err() {
            break;
        }
    }
    let answer = rest(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let server = start(Limits { idle: SHORT, ..generous() }).await;
    let mut stream = server.open("").await;
    assert!(hello(&mut stream).await);
    assert_eq!(rest(&mut stream).await, "");
    // The next request's head has a deadline of its own.
    let server = start(Limits { head: SHORT, ..generous() }).await;
    let mut stream = server.open("").await;
    assert!(hello(&mut stream).await);
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn clients_that_do_not_read_are_cut_off() {
    let server = start(Limits { stalled: SHORT, ..generous() }).await;
    let request = "GET /large HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut idle = server.open(request).await;
    let mut slow = server.open(request).await;
    for _ in 0..50 {
        let mut little = [0; 16];
        let _ = slow.read(&mut little).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for stream in [&mut idle, &mut slow] {
        let received = rest(stream).await.len();
        assert!(received < 60 << 20, "{received}");
    }
    assert!(server.get("/large").await.len() > 64 << 20, "whoever reads gets it all");
}

#[tokio::test]
async fn connections_in_use_are_served_while_strangers_take_all_places() {
    let server = start(Limits { connections: 50, per_address: 50, ..generous() }).await;
    let mut agent = server.open("").await;
    assert!(hello(&mut agent).await);
    let slow = tokio::spawn({
        let stream = server.open("GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        async move { rest(&mut { stream }).await }
    });
    server.slow_has_begun().await;
    let mut strangers = Vec::new();
    for n in 0..1000 {
        strangers.push(server.open("GET / HTTP/1.1\r\nx: ").await);
        if n % 100 == 0 {
            assert!(hello(&mut agent).await, "after {n} strangers");
            assert!(server.get("/").await.ends_with("hello"), "a new connection after {n} strangers");
        }
    }
    assert!(hello(&mut agent).await);
    assert!(slow.await.unwrap().ends_with("done"));
}

#[tokio::test]
async fn an_address_has_a_part_of_the_places() {
    let limits = Limits { connections: 40, per_address: 10, ..generous() };
    let registry = Arc::new(Registry::new(limits));
    let stranger = "192.0.2.1".parse().unwrap();
    let busy: Vec<_> = (0..10)
        .map(|_| {
            let activity = Arc::new(Activity::new());
            activity.begin();
            registry.admit(stranger, &activity).expect("a place")
        })
        .collect();
    let activity = Arc::new(Activity::new());
    assert!(registry.admit(stranger, &activity).is_none());
    assert!(registry.admit("192.0.2.2".parse().unwrap(), &activity).is_some());
    drop(busy);
    assert!(registry.admit(stranger, &activity).is_some());
    assert_eq!(registry.len(), 0);

    // One network of IPv6 is one client; a proxy is many.
    let limits = Limits { per_address: 1, unlimited: vec!["192.0.2.0/24".parse().unwrap()], ..generous() };
    let registry = Arc::new(Registry::new(limits));
    let used = Arc::new(Activity::new());
    used.begin();
    let _first = registry.admit("2001:db8::1".parse().unwrap(), &used).unwrap();
    assert!(registry.admit("2001:db8::2".parse().unwrap(), &used).is_none());
    let proxied: Vec<_> = (0..5).map(|_| registry.admit(stranger, &used)).collect();
    assert!(proxied.iter().all(Option::is_some));
}

#[tokio::test]
async fn a_refused_connection_is_told() {
    let server = start(Limits { connections: 1, per_address: 1, unproven: 1, ..generous() }).await;
    let _slow = server.open("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.slow_has_begun().await;
    let mut refused = TcpStream::connect(server.address).await.unwrap();
    let answer = rest(&mut refused).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("503") && head.contains(&format!("content-length: {}", body.len())), "{answer}");
    let envelope: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(envelope["error"]["code"], "UNAVAILABLE");
}

#[tokio::test]
async fn http_2_is_not_spoken() {
    let server = start(generous()).await;
    let mut stream = server.open("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    let answer = rest(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    // An offer to upgrade is not taken.
    let request = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close, upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n";
    let mut stream = server.open(request).await;
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn stopping_answers_requests_and_closes_the_rest() {
    let server = start(generous()).await;
    let mut half = server.open("GET / HTTP/1.1\r\n").await;
    let mut slow = server.open("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.slow_has_begun().await;
    server.stop.send_replace(true);
    assert_eq!(rest(&mut half).await, "");
    assert!(rest(&mut slow).await.ends_with("done"));
    timeout(PATIENCE, server.serving).await.expect("serving ends").unwrap();
}

/// A request to the route `/later`: sending completes it.
type Completion = tokio::sync::oneshot::Sender<&'static str>;

/// Serves `/` as [`start`] does, and `/later` when it is told to.
async fn start_later(limits: Limits) -> (Listening, tokio::sync::mpsc::UnboundedReceiver<Completion>) {
    let (begun, requests) = tokio::sync::mpsc::unbounded_channel();
    let later = get(async move |can_defer: Option<axum::Extension<CanDefer>>| {
        let (completion, completed) = tokio::sync::oneshot::channel();
        begun.send(completion).unwrap();
        let answer = async { completed.await.unwrap_or("dropped").into_response() };
        match can_defer {
            Some(_) => axum::Extension(Deferred::new(Box::pin(answer))).into_response(),
            None => answer.await,
        }
    });
    let router = Router::new().route("/", get(async || "hello")).route("/later", later);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = watch::channel(false);
    let serving = tokio::spawn(serve(listener, router, limits, stopping));
    (Listening { address, stop, serving, slow: Arc::new(Semaphore::new(0)) }, requests)
}

async fn next(requests: &mut tokio::sync::mpsc::UnboundedReceiver<Completion>) -> Completion {
    timeout(PATIENCE, requests.recv()).await.expect("a request").unwrap()
}

const LATER: &str = "GET /later HTTP/1.1\r\nhost: x\r\n\r\n";

/// Reads until that has arrived.
async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(end.as_bytes()) {
        let mut buffer = [0; 1024];
        let read = timeout(PATIENCE, stream.read(&mut buffer)).await.expect("an answer").unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_deferred_answer_is_sent_and_the_connection_goes_on() {
    let (server, mut requests) = start_later(generous()).await;
    let mut stream = server.open("").await;
    assert!(hello(&mut stream).await);
    for _ in 0..3 {
        stream.write_all(LATER.as_bytes()).await.unwrap();
        next(&mut requests).await.send("at last").unwrap();
        let answer = until(&mut stream, "at last").await;
        for line in
            ["HTTP/1.1 200 OK\r\n", "\r\ncontent-length: 7\r\n", "\r\ndate: ", "\r\ncontent-type: text/plain"]
        {
            assert!(answer.contains(line), "{answer}");
        }
        assert!(!answer.contains("connection:"), "{answer}");
        assert!(hello(&mut stream).await);
    }
}

#[tokio::test]
async fn requests_behind_a_deferred_answer_are_answered_in_order() {
    let (server, mut requests) = start_later(generous()).await;
    let get = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    // With the first head, and in the middle of the wait.
    let mut stream = server.open(&format!("{get}{LATER}{get}{LATER}GET / HT")).await;
    let first = next(&mut requests).await;
    until(&mut stream, "hello").await;
    stream.write_all(b"TP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    first.send("one").unwrap();
    until(&mut stream, "hello").await;
    next(&mut requests).await.send("two").unwrap();
    let rest = until(&mut stream, "hello").await;
    assert!(rest.contains("two"), "{rest}");
}

#[tokio::test]
async fn a_client_that_leaves_is_not_waited_for() {
    let (server, mut requests) = start_later(generous()).await;
    for half in [false, true] {
        let mut stream = server.open(LATER).await;
        let mut completion = next(&mut requests).await;
        if half {
            stream.shutdown().await.unwrap();
        } else {
            drop(stream);
        }
        timeout(PATIENCE, completion.closed()).await.expect("the answer is given up");
    }
}

#[tokio::test]
async fn a_deferred_answer_closes_the_connection_where_that_is_asked_for() {
    let (server, mut requests) = start_later(generous()).await;
    let closing = "GET /later HTTP/1.1\r\nhost: x\r\nConnection: Keep, Close\r\n\r\n";
    let mut stream = server.open(closing).await;
    next(&mut requests).await.send("the end").unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.contains("\r\nconnection: close\r\n") && answer.ends_with("the end"), "{answer}");
    // The server stops, and the answer is still awaited.
    let mut stream = server.open(LATER).await;
    let completion = next(&mut requests).await;
    server.stop.send_replace(true);
    completion.send("the end").unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.contains("\r\nconnection: close\r\n") && answer.ends_with("the end"), "{answer}");
    timeout(PATIENCE, server.serving).await.expect("serving ends").unwrap();
}

#[tokio::test]
async fn only_plain_requests_are_deferred() {
    let (server, mut requests) = start_later(generous()).await;
    for sent in
        ["HEAD /later HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "GET /later HTTP/1.0\r\n\r\n"]
    {
        let mut stream = server.open(sent).await;
        next(&mut requests).await.send("as usual").unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.contains(" 200 OK\r\n"), "{answer}");
        assert_eq!(answer.ends_with("as usual"), sent.starts_with("GET"), "{answer}");
    }
}

#[tokio::test]
async fn connections_wait_without_deadline_and_then_have_one() {
    let limits = Limits { head: SHORT, idle: SHORT, stalled: SHORT, ..generous() };
    let (server, mut requests) = start_later(limits).await;
    let mut stream = server.open(LATER).await;
    let completion = next(&mut requests).await;
    tokio::time::sleep(3 * SHORT).await;
    completion.send("late").unwrap();
    until(&mut stream, "late").await;
    assert_eq!(rest(&mut stream).await, "", "idle for too long");
}

#[tokio::test]
async fn a_connection_that_waits_is_small() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let activity = Arc::new(Activity::new());
    let socket = Socket::new(stream, &Arc::new(generous()), Arc::clone(&activity));
    let peer = listener.local_addr().unwrap();
    let exchange = Exchange { router: Router::new(), peer, activity, stopping: watch::channel(false).1 };
    let size = size_of_val(&serve_connection(socket, exchange));
    assert!(size <= 1024, "{size}");
}
