//! A connection to the database over TLS, with a password: the right server gets it, and no other one is sent anything.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::cluster::Cluster;
use crate::server_process::ServerProcess;
use crate::unused_port::unused_port;

const PASSWORD: &str = "a-word-that-nobody-may-see";

/// A server on loopback that lets in only who comes over TLS and knows the password.
struct Database {
    cluster: Cluster,
    port: u16,
}

impl Database {
    fn start() -> Option<Self> {
        let port = unused_port();
        let cluster = Cluster::start_listening(port)?;
        let database = Self { cluster, port };
        database.psql(&format!("CREATE ROLE ztna LOGIN PASSWORD '{PASSWORD}'"));
        database.psql("CREATE DATABASE plane OWNER ztna");
        let rules = "local all all trust\nhostssl plane ztna 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(database.data("pg_hba.conf"), rules).unwrap();
        Some(database)
    }

    /// Starts the server again with that certificate, or without TLS. Its log begins anew.
    fn present(&mut self, certificate: Option<&str>) {
        self.cluster.order("stop");
        let owner = std::fs::metadata(self.data("PG_VERSION")).unwrap();
        for (suffix, to) in [("pem", "server.crt"), ("key", "server.key")] {
            let Some(name) = certificate else { break };
            let to = self.data(to);
            std::fs::copy(certificates().join(format!("{name}.{suffix}")), &to).unwrap();
            std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).unwrap();
            chown(&to, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        let ssl = if certificate.is_some() { "on" } else { "off" };
        let settings = format!("ssl = {ssl}\nlog_connections = on\n");
        std::fs::write(self.data("postgresql.auto.conf"), settings).unwrap();
        std::fs::write(self.cluster.folder().join("log"), "").unwrap();
        self.cluster.order("start");
    }

    fn data(&self, file: &str) -> PathBuf {
        self.cluster.folder().join("data").join(file)
    }

    /// What the server noted of those who came over the network.
    fn visits(&self) -> String {
        let log = std::fs::read_to_string(self.cluster.folder().join("log")).unwrap();
        let of_network = log.lines().filter(|line| !line.contains("[local]"));
        of_network.collect::<Vec<_>>().join("\n")
    }

    fn psql(&self, sql: &str) {
        let folder = self.cluster.folder().to_str().unwrap();
        let port = self.port.to_string();
        let arguments = ["-h", folder, "-p", &port, "-U", "postgres", "-qc", sql, "postgres"];
        assert!(Command::new("psql").args(arguments).status().unwrap().success());
    }

    fn url(&self, authority: &str) -> String {
        url(self.port, authority)
    }
}

fn url(port: u16, authority: &str) -> String {
    let authority = certificates().join(format!("{authority}.pem"));
    format!("postgres://ztna@127.0.0.1:{port}/plane?sslmode=verify-full&sslrootcert={}", authority.display())
}

fn certificates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/certificates")
}

/// The program with everything in its log.
fn command(url: &str) -> Command {
    let mut command = ServerProcess::command(&["--database", url]);
    command.env_remove("PGPASSWORD").env_remove("PGPASSFILE").env("RUST_LOG", "trace");
    command
}

/// Starts the program, which is expected to refuse; returns what it says.
fn refusal(url: &str) -> String {
    let Output { status, stdout, stderr } = command(url).env("PGPASSWORD", PASSWORD).output().unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert_eq!(status.code(), Some(1), "{told}");
    assert!(!told.contains(PASSWORD), "{told}");
    told
}

#[test]
fn the_right_server_is_used_with_the_password_of_the_environment_or_a_file() {
    let Some(mut database) = Database::start() else { return };
    database.present(Some("server"));
    let url = database.url("authority");
    let folder = tempfile::tempdir().unwrap();
    let passfile = folder.path().join("passwords");
    std::fs::write(&passfile, format!("127.0.0.1:{}:plane:ztna:{PASSWORD}\n", database.port)).unwrap();
    let log = folder.path().join("log");
    for (variable, value) in [("PGPASSWORD", PASSWORD), ("PGPASSFILE", passfile.to_str().unwrap())] {
        let mut command = command(&url);
        let told = std::fs::File::create(&log).unwrap();
        command.env(variable, value).stdout(told.try_clone().unwrap()).stderr(told);
        drop(ServerProcess::spawn(folder.path(), command));
        let told = std::fs::read_to_string(&log).unwrap();
        assert!(told.contains("listening") && !told.contains(PASSWORD), "{told}");
    }
    let visits = database.visits();
    assert!(visits.contains("SSL enabled"), "{visits}");
    assert!(!visits.contains("no encryption"), "{visits}");

    let missing = command(&url).output().unwrap();
    let told = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(missing.status.code() == Some(1) && told.contains("PGPASSWORD"), "{told}");
    let wrong = command(&url).env("PGPASSWORD", "another-word").output().unwrap();
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(wrong.status.code() == Some(1) && told.contains("PGPASSFILE"), "{told}");
    assert!(!told.contains("another-word"), "{told}");
}

/// Every server that is not proven to be the right one is told nothing, and the operator what to do.
#[test]
fn other_servers_are_refused_before_the_password_is_sent() {
    let Some(mut database) = Database::start() else { return };
    for (certificate, authority, problem, way_out) in [
        (Some("server"), "another-authority", "UnknownIssuer", "sslrootcert=FILE"),
        (Some("elsewhere"), "authority", "elsewhere.example", "that the server's certificate names"),
        (Some("expired"), "authority", "expired", "Renew the certificate"),
        (None, "authority", "does not support TLS", "ssl = on"),
    ] {
        database.present(certificate);
        let told = refusal(&database.url(authority));
        let lines: Vec<&str> = told.lines().filter(|line| !line.is_empty()).collect();
        let [.., cause, advice] = lines.as_slice() else { panic!("{told}") };
        assert!(cause.contains("cannot use the database postgres://127.0.0.1:"), "{told}");
        assert!(cause.contains(problem) && advice.contains(way_out), "{told}");
        let visits = database.visits();
        assert!(visits.contains("connection received"), "{visits}");
        assert!(!visits.contains("authenticat") && !visits.contains("ztna"), "{certificate:?}: {visits}");
    }
}

/// One that pretends to have no TLS, and asks for the password in clear text.
#[test]
fn a_server_that_declines_tls_is_not_spoken_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = url(listener.local_addr().unwrap().port(), "authority");
    let listening = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 8];
        stream.read_exact(&mut request).unwrap();
        // "No TLS", then AuthenticationCleartextPassword.
        stream.write_all(b"NR\0\0\0\x08\0\0\0\x03").unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        (request, rest)
    });
    let told = refusal(&url);
    assert!(told.contains("ssl = on"), "{told}");
    let (request, rest) = listening.join().unwrap();
    assert_eq!(request, *b"\0\0\0\x08\x04\xd2\x16\x2f", "the request for TLS");
    assert_eq!(rest, b"", "nothing after it");
}

/// A certificate that expires, or is replaced, while the program runs is told, and service comes back with the right one.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_becomes_invalid_is_told_by_readyz() {
    let Some(mut database) = tokio::task::spawn_blocking(Database::start).await.unwrap() else { return };
    database.present(Some("server"));
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(&database.url("authority"));
    command
        .env("PGPASSWORD", PASSWORD)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let server = ServerProcess::spawn(folder.path(), command);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let readiness = async || {
        let url = format!("{}/readyz", server.text("/base_url"));
        let answer = client.get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    for (certificate, expected, words) in [
        ("server", 200, "ready"),
        ("expired", 503, "certificate cannot be verified"),
        ("server", 200, "ready"),
    ] {
        database.present(Some(certificate));
        let began = std::time::Instant::now();
        loop {
            let (status, text) = readiness().await;
            if status == expected && text.contains(words) {
                break;
            }
            assert!(began.elapsed() < crate::wait::DEADLINE, "{certificate}: {status} {text}");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
}
