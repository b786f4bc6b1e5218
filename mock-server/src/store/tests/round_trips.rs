//! What a batch costs on PostgreSQL, in round trips to the server.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};

use super::overlay::{announced, fill, perform, register};
use super::redo::in_one_batch;
use super::{cluster, postgres_schema};
use crate::store::{Address, Location, Store, Tx};

/// The lock with the facts, and the changes with the commit.
const MOST: usize = 2;
/// Those of a job without statements, which keeps the others waiting.
const OF_THE_BATCH_BEFORE: usize = 2;

/// How long a client that waits for an answer has been silent.
const SILENCE: Duration = Duration::from_millis(30);

/// Passes connections on to the server, and counts how often clients wait for it.
struct Meter {
    port: u16,
    waits: Arc<AtomicUsize>,
}

impl Meter {
    fn start(socket: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, waits) = (listener.local_addr().unwrap().port(), Arc::<AtomicUsize>::default());
        let counted = Arc::clone(&waits);
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                pass(client, UnixStream::connect(&socket).unwrap(), &counted);
            }
        });
        Self { port, waits }
    }
}

fn pass(mut client: TcpStream, mut server: UnixStream, waits: &Arc<AtomicUsize>) {
    client.set_nodelay(true).unwrap();
    let (mut to_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let waits = Arc::clone(waits);
    thread::spawn(move || {
        let _ = std::io::copy(&mut server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    thread::spawn(move || {
        while let Some(burst) = burst(&mut client) {
            waits.fetch_add(1, Ordering::SeqCst);
            if to_server.write_all(&burst).is_err() {
                break;
            }
        }
        let _ = to_server.shutdown(Shutdown::Both);
    });
}

/// Reads all that the client sends before it waits, which is not passed on until then.
fn burst(client: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut burst, mut buffer) = (Vec::new(), [0; 1 << 16]);
    client.set_read_timeout(None).unwrap();
    loop {
        match client.read(&mut buffer) {
            Ok(0) => return None,
            Ok(length) => burst.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Some(burst),
            Err(_) => return None,
        }
        client.set_read_timeout(Some(SILENCE)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_round_trips_of_a_batch_do_not_grow_with_its_registrations() {
    let Some((schema, _)) = postgres_schema() else { return };
    let folder = cluster::url().unwrap().split(['=', '&']).nth(1).unwrap();
    let meter = Meter::start(format!("{folder}/.s.PGSQL.5432"));
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode=disable", meter.port);
    let address = Address::parse(&url).unwrap().in_schema(&schema);
    let store = Store::open(&Location::Postgres(Box::new(address))).unwrap();
    fill(&store).await;
    let mut number = 0;
    // The first batch also prepares the statements.
    for (size, most) in [(1, usize::MAX), (2, MOST), (64, MOST), (128, MOST)] {
        let jobs = (0..size).map(|_| -> BoxFuture<'_, bool> {
            number += 1;
            let (job, store) = (register(0, 3 * number), store.clone());
            let (lookup, seed) = (announced(&job), u64::from(number));
            let job = move |tx: &mut Tx<'_>| perform(tx, &job, seed);
            async move { store.write_with(lookup, job).await.is_ok() }.boxed()
        });
        let jobs = jobs.collect();
        let before = meter.waits.load(Ordering::SeqCst);
        let outcomes = in_one_batch(&store, jobs).await;
        assert!(outcomes.iter().all(|registered| *registered), "{size} registrations");
        let waits = meter.waits.load(Ordering::SeqCst) - before - OF_THE_BATCH_BEFORE;
        assert!(waits <= most, "{waits} round trips for {size} registrations");
    }
}
