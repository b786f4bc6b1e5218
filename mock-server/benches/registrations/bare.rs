//! The least that an acknowledged row costs: a commit, and an HTTP handler around one.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use mock_server::store::{Location, Store, StoreError};
use mock_server::values;
use rusqlite::Connection;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::clients::SPAN;

/// Transactions a second of one prepared INSERT, as durable as the store's.
pub(crate) fn commits(path: &Path) -> f64 {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.execute_batch("CREATE TABLE IF NOT EXISTS rows (text TEXT)").unwrap();
    let mut insert = connection.prepare("INSERT INTO rows (text) VALUES (?1)").unwrap();
    let started = Instant::now();
    let mut count = 0.0;
    while started.elapsed() < SPAN {
        insert.execute(["a row"]).unwrap();
        count += 1.0;
    }
    count / started.elapsed().as_secs_f64()
}

/// An HTTP server that reads the body of a registration and stores one row.
pub(crate) struct Handler {
    pub(crate) address: SocketAddr,
    serving: JoinHandle<()>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "auth_key")]
    _auth_key: String,
    name: String,
    public_key: String,
}

impl Handler {
    pub(crate) async fn start(path: &Path) -> Self {
        let store = Store::open(&Location::File(path.into())).unwrap();
        let router = Router::new().route("/one-row", post(one_row)).with_state(store);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, serving }
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn one_row(State(store): State<Store>, bytes: Bytes) -> String {
    let body: Body = serde_json::from_slice(&bytes).unwrap();
    let stored = store.write(move |tx| {
        tx.execute(
            "INSERT INTO settings (name, value) VALUES (?1, ?2)",
            values![&body.name, &body.public_key],
        )?;
        Ok::<_, StoreError>(body.name.clone())
    });
    format!(r#"{{"success":true,"data":{{"name":"{}"}}}}"#, stored.await.unwrap())
}
