//! Registrations a second beside row-at-a-time transactions on the same server.

use std::time::Duration;

use crate::database::{Database, Schema};
use crate::pgbench;
use crate::replicas::Replicas;
use crate::samples::Samples;

const ROUNDS: usize = 9;
const SPAN: Duration = Duration::from_secs(2);
const CLIENTS: usize = 64;
const REPLICAS: usize = 3;

/// What is measured: how many keys, and the least ratio.
const CASES: [(&str, usize, f64); 2] = [("one hot key", 1, 8.0), ("1000 keys", 1000, 1.0)];

struct Case {
    schema: Schema,
    replicas: Replicas,
    alone: Samples,
    registrations: Samples,
}

pub(crate) async fn report(database: &Database) {
    pgbench::prepare(database);
    let mut cases = Vec::new();
    for (number, (_, keys, _)) in CASES.into_iter().enumerate() {
        let schema = database.schema(number).await;
        let replicas = Replicas::start(&schema, REPLICAS, keys).await;
        cases.push(Case { schema, replicas, alone: Samples::default(), registrations: Samples::default() });
    }
    for round in 0..ROUNDS {
        for ((_, keys, _), case) in CASES.iter().zip(&mut cases) {
            case.alone.push(pgbench::rate(database, *keys, CLIENTS, SPAN));
            case.registrations.push(case.replicas.rate(CLIENTS, &format!("r{round}"), SPAN).await);
        }
    }
    println!(
        "\n| {CLIENTS} clients, {ROUNDS} rounds | pgbench, a second | {REPLICAS} replicas, a second | ratio within a round | aim | registrations a commit |"
    );
    println!("|-|-|-|-|-|-|");
    for ((name, _, aim), case) in CASES.into_iter().zip(cases) {
        let ratio = case.registrations.to(&case.alone);
        let machines = format!("{}.machines", case.schema.name);
        let batch = database.run(&[&format!("SELECT count(*) / count(DISTINCT xmin::text) FROM {machines}")]);
        println!(
            "| {name} | {} | {} | {} | at least {aim} | {batch} |",
            case.alone.spread(0),
            case.registrations.spread(0),
            ratio.spread(2)
        );
        case.replicas.stop().await;
        database.drop(case.schema).await;
    }
    pgbench::clean(database);
}
