//! Where the install line runs: behind a proxy, as an ordinary user, while others watch, and from half a download.

use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use mock_server::app::{AgentProgram, Config, Fixture};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::installer::Installation;

/// The name of a test certificate.
const HOST: &str = "elsewhere.example";
const NOBODY: u32 = 65534;

fn certificate(file: &str) -> String {
    format!("{}/../fixtures/certificates/{file}", env!("CARGO_MANIFEST_DIR"))
}

fn tls() -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(certificate("elsewhere.pem")).unwrap();
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(certificate("elsewhere.key")).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let settings =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    TlsAcceptor::from(Arc::new(settings.with_no_client_auth().with_single_cert(chain, key).unwrap()))
}

/// A proxy that leads to the control plane, by TLS, whichever host is asked for. Returns its address and those hosts.
async fn proxy(control_plane: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let hosts = Arc::new(Mutex::new(Vec::new()));
    let (asked, acceptor) = (Arc::clone(&hosts), tls());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (asked, acceptor) = (Arc::clone(&asked), acceptor.clone());
            tokio::spawn(async move {
                drop(tunnel(stream, &asked, acceptor, control_plane).await);
            });
        }
    });
    (address, hosts)
}

async fn tunnel(
    mut stream: TcpStream,
    asked: &Mutex<Vec<String>>,
    acceptor: TlsAcceptor,
    control_plane: SocketAddr,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let first = head.lines().next().unwrap_or_default();
    asked.lock().unwrap().push(first.to_owned());
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    let mut inner = acceptor.accept(stream).await?;
    let mut outer = TcpStream::connect(control_plane).await?;
    copy_bidirectional(&mut inner, &mut outer).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl"]
async fn install_line_works_behind_a_proxy() {
    let program = AgentProgram { file: env!("CARGO_BIN_EXE_ztna").into(), arguments: Vec::new() };
    let installation = Installation::with(Config {
        agent_program: Some(program),
        public_url: Some(format!("https://{HOST}")),
        ..Config::embedded(Fixture::built_in().unwrap())
    })
    .await;
    let listens = installation.server.base_url().trim_start_matches("http://").parse().unwrap();
    let (address, hosts) = proxy(listens).await;
    let (key, proxy) = (installation.key().await, format!("http://{address}"));
    let authority = certificate("authority.pem");
    let env = [
        ("ZTNA_AUTH_KEY", key.as_str()),
        ("HTTPS_PROXY", proxy.as_str()),
        ("SSL_CERT_FILE", authority.as_str()),
    ];
    let line = format!("curl -fsSL https://{HOST}/install.sh | sh");
    let ended = installation.line(&line, Path::new("/bin"), &env).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.stdout.contains("Registered: Linux-C (100.64."), "{ended:?}");
    let hosts = hosts.lock().unwrap();
    let expected = format!("CONNECT {HOST}:443 HTTP/1.1");
    // The script, the program with its checksum over one connection, and the agent's own.
    assert!(hosts.len() >= 3 && hosts.iter().all(|host| *host == expected), "{hosts:?}");
}

/// Every command line of this machine while the line runs, and every file that it leaves.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl"]
async fn the_key_is_in_no_process_list_and_in_no_file() {
    let installation = Installation::with_agent().await;
    let key = installation.key().await;
    let (watching, wanted) = (Arc::new(AtomicBool::new(true)), key.clone());
    let watch = {
        let watching = Arc::clone(&watching);
        std::thread::spawn(move || {
            let (mut looks, mut seen) = (0, Vec::new());
            while watching.load(Ordering::Relaxed) {
                seen.extend(command_lines().into_iter().filter(|line| line.contains(&wanted)));
                looks += 1;
            }
            (looks, seen)
        })
    };
    let ended = installation.install(&[("ZTNA_AUTH_KEY", &key)]).await;
    watching.store(false, Ordering::Relaxed);
    let (looks, seen) = watch.join().unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(looks > 3, "{looks} looks");
    assert_eq!(seen, Vec::<String>::new());
    let holding: Vec<_> = files(installation.folder.path())
        .into_iter()
        .filter(|file| {
            let content = std::fs::read(file).unwrap_or_default();
            content.windows(key.len()).any(|part| part == key.as_bytes())
        })
        .collect();
    assert!(holding.is_empty(), "{holding:?}");
}

fn command_lines() -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let below = entries.flat_map(|entry| match entry.file_type().unwrap().is_dir() {
        true => files(&entry.path()),
        false => vec![entry.path()],
    });
    below.collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl, setpriv and root"]
async fn ordinary_users_install_into_their_home() {
    let installation = Installation::with_agent().await;
    chown(installation.folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let key = installation.key().await;
    let as_nobody = |line: &str| {
        let user = format!("setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups --no-new-privs");
        format!("env -u ZTNA_INSTALL_DIR -u ZTNA_STATE_DIR {user} sh -c '{line}'")
    };
    let line = as_nobody("curl -fsSL $BASE/install.sh | sh");
    let ended = installation.line(&line, Path::new("/bin"), &[("ZTNA_AUTH_KEY", &key)]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.stdout.contains(".local/bin is not in PATH; add it, or call "), "{ended:?}");
    assert!(ended.stdout.contains("Connected. ztna runs in the background"), "{ended:?}");
    assert!(installation.path(".local/state/ztna/state.json").is_file());
    let line = as_nobody("~/.local/bin/ztna down && curl -fsSL $BASE/install.sh | sh -s -- --uninstall");
    let removed = installation.line(&line, Path::new("/bin"), &[]).await;
    assert_eq!((removed.code, removed.stderr.as_str()), (Some(0), ""), "{removed:?}");
    assert!(!installation.path(".local/bin/ztna").exists());
}

/// A shell that reads from a pipe runs what has arrived.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl"]
async fn half_a_script_does_nothing() {
    let installation = Installation::with_agent().await;
    let fetched = installation.line("curl -fsSL $BASE/install.sh", Path::new("/bin"), &[]).await;
    let call = fetched.stdout.rfind("main \"$@\"").unwrap();
    let cuts = (1..=40).map(|part| call * part / 40).chain([call + 3, call + 6]);
    for cut in cuts.filter(|cut| fetched.stdout.is_char_boundary(*cut)) {
        let half = installation.path("half.sh");
        std::fs::write(&half, &fetched.stdout[..cut]).unwrap();
        let env = [("ZTNA_AUTH_KEY", "tskey-auth-k")];
        let ended = installation.line("sh <half.sh", Path::new("/bin"), &env).await;
        assert_eq!((ended.stdout.as_str(), installation.installed()), ("", Vec::new()), "{cut}: {ended:?}");
        assert!(!installation.path("state").exists(), "{cut}");
    }
}
