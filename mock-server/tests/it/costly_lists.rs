//! Lists that a member makes as costly as they can be: nothing else waits for them, and they end with their client.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::server_process::ServerProcess;
use crate::wait::DEADLINE;

const ROWS: u32 = 5000;
/// Less than what is left of a list that does not end with its client.
const QUICK: Duration = Duration::from_millis(1500);

/// Adds entries to the audit log that are long and alike.
fn fill(database: &Path) {
    let mut connection = rusqlite::Connection::open(database).unwrap();
    let transaction = connection.transaction().unwrap();
    for n in 0..ROWS {
        let target = format!("{}{n}", "ab".repeat(4000));
        let values = rusqlite::params![format!("row-{n}"), target, n];
        let sql = "INSERT INTO audit_logs VALUES (?1, 'org_9fX2kR', 'somebody', 'something', ?2, '{}', ?3)";
        transaction.execute(sql, values).unwrap();
    }
    transaction.commit().unwrap();
}

/// Within the bounds of queries: the long pattern is compared at each place of a text.
fn costly() -> String {
    let pattern = "ab".repeat(100);
    (0..8).map(|n| format!("target=not.ilike.*{pattern}x{n}&")).collect()
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_waits_for_costly_lists_and_they_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plane.db");
    let program = ServerProcess::start(folder.path(), &["--database", &format!("sqlite:{}", path.display())]);
    fill(&path);
    let (client, token) = (client(), program.text("/admin/token"));
    let url = |path: &str| format!("{}{path}", program.text("/base_url"));
    let get = async |path: &str| {
        let started = Instant::now();
        let answer = client.get(url(path)).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap(), started.elapsed())
    };
    let (status, text, took) = get(&format!("/api/db/audit_logs?{}", costly())).await;
    assert_eq!(status, 503, "after {took:?}");
    assert!(text.contains("UNAVAILABLE") && text.contains("takes too long"), "{text}");
    assert!(took < Duration::from_secs(5), "{took:?}");

    // Twenty at once, whose clients go away before they are answered.
    let address = program.text("/base_url").trim_start_matches("http://").to_owned();
    let request = format!(
        "GET /api/db/audit_logs?{} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n",
        costly()
    );
    let mut gone = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        gone.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    for path in ["/healthz", "/readyz", "/api/user-orgs"] {
        let (status, text, took) = get(path).await;
        assert_eq!(status, 200, "{path}: {text}");
        assert!(took < QUICK, "{path}: {took:?}");
    }
    drop(gone);
    let (status, _, took) = get("/api/db/machines?limit=1").await;
    assert_eq!(status, 200);
    assert!(took < QUICK, "the same caller's next list: {took:?}");
}
