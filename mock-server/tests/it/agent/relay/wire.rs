//! A relay and a client without an agent: what it demands, what it forwards, and what it drops.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use boringtun::x25519::{PublicKey, StaticSecret};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use ztna_protocol::relay::{Frame, proof};

use crate::test_server::TestServer;
use crate::wait::DEADLINE;

type Socket = WebSocketStream<TcpStream>;

/// A registered machine and its private key.
struct Node {
    id: String,
    token: String,
    private: StaticSecret,
}

impl Node {
    fn key(&self) -> [u8; 32] {
        PublicKey::from(&self.private).to_bytes()
    }

    /// Connects and proves its identity; the error is the reason for which the relay closes.
    async fn connect_and_prove(&self, server: &TestServer) -> Result<Socket, String> {
        self.prove_with(server, &self.private, "blr1").await
    }

    async fn prove_with(
        &self,
        server: &TestServer,
        private: &StaticSecret,
        region: &str,
    ) -> Result<Socket, String> {
        let mut socket = connect(server, &self.token).await.unwrap();
        let challenge = receive(&mut socket).await?;
        let Ok(Frame::Challenge { ephemeral, nonce }) = Frame::parse(&challenge) else {
            panic!("{challenge:?}")
        };
        let proof = proof::prove(private, ephemeral, nonce, region.parse().unwrap()).unwrap();
        send_frame(&mut socket, &Frame::Proof { proof: &proof }).await;
        let welcome = receive(&mut socket).await?;
        assert_eq!(Frame::parse(&welcome), Ok(Frame::Welcome { region: "blr1".parse().unwrap() }));
        Ok(socket)
    }
}

/// Opens the WebSocket; the error is the status of a refusal.
async fn connect(server: &TestServer, token: &str) -> Result<Socket, u16> {
    let address = server.ready().base_url.strip_prefix("http://").unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let mut request = tokio_tungstenite::tungstenite::client::IntoClientRequest::into_client_request(
        format!("ws://{address}/relay"),
    )
    .unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

async fn send_frame(socket: &mut Socket, frame: &Frame<'_>) {
    socket.send(Message::Binary(frame.to_bytes().into())).await.unwrap();
}

/// Receives the next frame; the error is the reason for which the relay closes.
async fn receive(socket: &mut Socket) -> Result<Vec<u8>, String> {
    loop {
        match timeout(DEADLINE, socket.next()).await.unwrap() {
            Some(Ok(Message::Binary(frame))) => return Ok(frame.to_vec()),
            Some(Ok(Message::Close(Some(close)))) => return Err(close.reason.as_str().to_owned()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            other => return Err(format!("{other:?}")),
        }
    }
}

async fn register(server: &TestServer, bearer: &str, org_id: &str, name: &str, number: u8) -> Node {
    let key = json!({ "action": "create_auth_key", "org_id": org_id, "name": name, "reusable": false });
    let key = server.post("/api/key-management", bearer, &key).await.body;
    let private = StaticSecret::from([number; 32]);
    let public_key = BASE64.encode(PublicKey::from(&private));
    let body = json!({ "auth_key": key["data"]["key"], "name": name, "public_key": public_key });
    let data = server.post("/api/register-machine", "", &body).await.body["data"].clone();
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{data}")).to_owned();
    Node { id: text(&data["machine"]["id"]), token: text(&data["machine_token"]), private }
}

/// A control plane with a relay, two machines, and one of another organisation.
async fn relay_and_machines() -> (TestServer, [Node; 3]) {
    let server = TestServer::listen().await;
    let ready = server.ready().clone();
    let (admin, outsider) = (ready.admin.unwrap().token, ready.outsider.unwrap().token);
    let one = register(&server, &admin, &ready.org_id, "one", 11).await;
    let other = register(&server, &admin, &ready.org_id, "other", 12).await;
    let foreign = register(&server, &outsider, &ready.other_org_id.unwrap(), "foreign", 13).await;
    (server, [one, other, foreign])
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_vouches_for_senders_and_separates_organisations() {
    let (server, [one, other, foreign]) = relay_and_machines().await;
    let mut from = one.connect_and_prove(&server).await.unwrap();
    let mut to = other.connect_and_prove(&server).await.unwrap();
    let mut forger = foreign.connect_and_prove(&server).await.unwrap();

    send_frame(&mut forger, &Frame::Send { to: &other.key(), datagram: b"from another organisation" }).await;
    send_frame(&mut from, &Frame::Send { to: &foreign.key(), datagram: b"to another organisation" }).await;
    send_frame(&mut from, &Frame::Send { to: &other.key(), datagram: b"hello" }).await;
    let received = receive(&mut to).await.unwrap();
    assert_eq!(Frame::parse(&received), Ok(Frame::Received { from: &one.key(), datagram: b"hello" }));
    send_frame(&mut to, &Frame::Send { to: &one.key(), datagram: b"and back" }).await;
    let received = receive(&mut from).await.unwrap();
    assert_eq!(Frame::parse(&received), Ok(Frame::Received { from: &other.key(), datagram: b"and back" }));

    // Machines may not send a frame that names its own sender: the relay closes the connection.
    send_frame(&mut forger, &Frame::Received { from: &one.key(), datagram: b"forged" }).await;
    assert!(receive(&mut forger).await.is_err(), "it received nothing either");
    send_frame(&mut from, &Frame::Send { to: &other.key(), datagram: b"last" }).await;
    let received = receive(&mut to).await.unwrap();
    let last = Frame::Received { from: &one.key(), datagram: b"last" };
    assert_eq!(Frame::parse(&received), Ok(last), "neither earlier frame was forwarded");
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_requires_proof_of_the_private_key() {
    let (server, [one, other, _]) = relay_and_machines().await;
    for token in ["", "ztm_unknown", "qztna_0123456789"] {
        assert_eq!(connect(&server, token).await.err(), Some(401), "{token}");
    }
    let thief = StaticSecret::from([99; 32]);
    assert_eq!(one.prove_with(&server, &thief, "blr1").await.err().as_deref(), Some("PROOF_REFUSED"));
    assert_eq!(one.prove_with(&server, &other.private, "blr1").await.err().as_deref(), Some("PROOF_REFUSED"));
    assert_eq!(one.prove_with(&server, &one.private, "fra1").await.err().as_deref(), Some("PROOF_REFUSED"));

    // A proof cannot be replayed.
    let mut overheard = connect(&server, &one.token).await.unwrap();
    let challenge = receive(&mut overheard).await.unwrap();
    let Ok(Frame::Challenge { ephemeral, nonce }) = Frame::parse(&challenge) else { panic!() };
    let proof = proof::prove(&one.private, ephemeral, nonce, "blr1".parse().unwrap()).unwrap();
    let mut replayed = connect(&server, &one.token).await.unwrap();
    receive(&mut replayed).await.unwrap();
    send_frame(&mut replayed, &Frame::Proof { proof: &proof }).await;
    assert_eq!(receive(&mut replayed).await.err().as_deref(), Some("PROOF_REFUSED"));

    let mut rude = connect(&server, &one.token).await.unwrap();
    receive(&mut rude).await.unwrap();
    send_frame(&mut rude, &Frame::Send { to: &other.key(), datagram: b"no proof" }).await;
    assert_eq!(receive(&mut rude).await.err().as_deref(), Some("PROOF_EXPECTED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_machine_loses_its_relay_connection() {
    // The relay asks this often who may stay, so a machine is cut off within about a second.
    assert!(ztna_relay::RECHECK < Duration::from_secs(1));
    for way in ["quarantine", "delete", "logout"] {
        let (server, [one, other, _]) = relay_and_machines().await;
        let mut to = other.connect_and_prove(&server).await.unwrap();
        let mut from = one.connect_and_prove(&server).await.unwrap();
        let admin = server.ready().admin.clone().unwrap().token;
        match way {
            "logout" => server.post("/api/machine-logout", &other.token, &json!({})).await.body,
            way => {
                let body = json!({ "action": way, "org_id": server.ready().org_id, "machine_id": other.id });
                server.post("/api/machine-admin", &admin, &body).await.body
            }
        };
        assert_eq!(receive(&mut to).await.err().as_deref(), Some("CUT_OFF"), "{way}");
        assert_eq!(connect(&server, &other.token).await.err(), Some(401), "{way}");
        send_frame(&mut from, &Frame::Send { to: &other.key(), datagram: b"still there?" }).await;
        send_frame(&mut from, &Frame::Send { to: &one.key(), datagram: b"myself" }).await;
        assert!(receive(&mut from).await.is_ok(), "other connections stay");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_connection_replaces_the_old_and_noise_closes_its_own() {
    let (server, [one, other, _]) = relay_and_machines().await;
    let mut old = one.connect_and_prove(&server).await.unwrap();
    let mut new = one.connect_and_prove(&server).await.unwrap();
    assert_eq!(receive(&mut old).await.err().as_deref(), Some("CUT_OFF"));
    let mut from = other.connect_and_prove(&server).await.unwrap();
    send_frame(&mut from, &Frame::Send { to: &one.key(), datagram: b"to the new one" }).await;
    assert!(receive(&mut new).await.is_ok());
    for noise in [vec![], vec![9; 40], vec![4; 33], vec![4; 5000], vec![1; 66]] {
        let mut noisy = other.connect_and_prove(&server).await.unwrap();
        noisy.send(Message::Binary(noise.clone().into())).await.unwrap();
        assert!(receive(&mut noisy).await.is_err(), "{} bytes", noise.len());
    }
    send_frame(&mut new, &Frame::Send { to: &one.key(), datagram: b"still here" }).await;
    assert!(receive(&mut new).await.is_ok());
}
