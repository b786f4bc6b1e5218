//! How much more a registration costs among many machines.

use std::time::Duration;

use crate::database::{Database, Schema};
use crate::organisation::ORGANISATION;
use crate::replicas::Replicas;
use crate::samples::Samples;

const SIZES: [u64; 3] = [100, 100_000, 1_000_000];
const ROUNDS: usize = 21;
/// Short, so that what else the machine does meets all sizes of a round alike.
const SPAN: Duration = Duration::from_millis(400);
const MOST: f64 = 1.2;

pub(crate) async fn report(database: &Database) {
    let mut planes = Vec::new();
    // All pages are logged after it, and not once more before the next one, in five minutes.
    database.run(&["CHECKPOINT"]);
    for (number, size) in SIZES.into_iter().enumerate() {
        let schema = database.schema(100 + number).await;
        let plane = Replicas::start(&schema, 1, 1).await;
        fill(database, &schema, size);
        planes.push((schema, plane));
    }
    for clients in [1, 64] {
        measure(database, &planes, clients, "pages logged since the checkpoint").await;
    }
    // From now on each page is logged whole when it first changes.
    database.run(&["CHECKPOINT"]);
    measure(database, &planes, 1, "after a checkpoint").await;
    for (schema, plane) in planes {
        plane.stop().await;
        database.drop(schema).await;
    }
}

async fn measure(database: &Database, planes: &[(Schema, Replicas)], clients: usize, state: &str) {
    let mut costs: [Samples; SIZES.len()] = std::array::from_fn(|_| Samples::default());
    let mut logged = [0.0; SIZES.len()];
    let prefix = format!("{clients}-{}", state.len());
    for round in 0..ROUNDS {
        for (((_, plane), costs), logged) in planes.iter().zip(&mut costs).zip(&mut logged) {
            let before = wal(database);
            let rate = plane.rate(clients, &format!("g{prefix}-{round}"), SPAN).await;
            *logged += (wal(database) - before) / (rate * SPAN.as_secs_f64()) / 1e3;
            costs.push(1e6 / rate);
        }
    }
    println!(
        "\n| {clients} clients, {state} | µs a registration (spread) | kB of WAL | ratio within a round (spread) | aim |"
    );
    println!("|-|-|-|-|-|");
    for ((size, cost), logged) in SIZES.iter().zip(&costs).zip(logged) {
        let ratio = cost.to(&costs[0]).spread(2);
        let logged = logged / f64::from(u32::try_from(ROUNDS).unwrap());
        println!("| at {size} machines | {} | {logged:.1} | {ratio} | at most {MOST} |", cost.spread(0));
    }
}

/// The bytes that the server has logged so far.
fn wal(database: &Database) -> f64 {
    database.run(&["SELECT pg_current_wal_insert_lsn() - '0/0'"]).parse().unwrap()
}

/// Stores that many machines as registrations with the key would have; they were heard of a day ahead, so that the upkeep
/// does not mark all of them offline in the middle of the measurement.
fn fill(database: &Database, schema: &Schema, machines: u64) {
    let path = format!("SET search_path = {}", schema.name);
    let rows = format!(
        "INSERT INTO machines (id, org_id, name, tailnet_ip, status, tags, ephemeral, public_key, token_hash,
             auth_key_id, created_at, last_seen, map_version, name_key)
         SELECT '019a0000-' || lpad(to_hex(n / 65536), 4, '0') || '-7' || lpad(to_hex(n % 65536), 4, '0') || '-bench-machine',
             '{ORGANISATION}', 'fill-' || n, '100.' || 64 + n / 65536 || '.' || n / 256 % 256 || '.' || n % 256,
             'online', '[]', 0, encode(sha256(('key' || n)::bytea), 'base64'), encode(sha256(('token' || n)::bytea), 'hex'),
             (SELECT id FROM auth_keys), now_millis, now_millis + 86400000, 1 + n, 'fill-' || n
         FROM generate_series(1, {machines}) n,
             (SELECT (extract(epoch FROM now()) * 1000)::bigint AS now_millis) clock"
    );
    let entries = "INSERT INTO audit_logs (id, org_id, actor, action, target, details, created_at)
         SELECT 'e' || id, org_id, 'auth-key:' || auth_key_id, 'register_machine', id,
             '{\"name\":\"' || name || '\",\"reregistered\":false}', created_at FROM machines";
    let counters = format!(
        "UPDATE auth_keys SET used_count = {machines};
         UPDATE address_pools SET next_offset = next_offset + {machines}, machines = {machines};
         UPDATE network_maps SET version = version + {machines}"
    );
    let vacuum = "VACUUM ANALYZE machines, audit_logs, auth_keys, address_pools, network_maps";
    database.run(&[&path, &rows, entries, &counters, vacuum]);
}
