//! CPU time of a registration, by process and thread; PostgreSQL must run on the same machine.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::database::Database;
use crate::replicas::Replicas;

const ROUNDS: usize = 5;
const SPAN: Duration = Duration::from_secs(2);
const CLIENTS: usize = 64;
const REPLICAS: usize = 3;
const CASES: [(&str, usize); 2] = [("one hot key", 1), ("1000 keys", 1000)];
/// A clock tick of `/proc`, in microseconds.
const TICK: f64 = 10_000.0;
/// Threads with less are not listed, in microseconds a registration.
const LEAST: f64 = 0.5;

pub(crate) async fn report(database: &Database) {
    println!(
        "\n| {CLIENTS} clients, {REPLICAS} replicas | CPU time of a registration, µs | registrations a commit |"
    );
    println!("|-|-|-|");
    for (number, (name, keys)) in CASES.into_iter().enumerate() {
        let schema = database.schema(300 + number).await;
        let replicas = Replicas::start(&schema, REPLICAS, keys).await;
        replicas.rate(CLIENTS, "warm", SPAN).await;
        let machines = format!("{}.machines", schema.name);
        let count =
            || -> f64 { database.run(&[&format!("SELECT count(*) FROM {machines}")]).parse().unwrap() };
        let (machines_before, ticks_before) = (count(), ticks(database));
        for round in 0..ROUNDS {
            replicas.rate(CLIENTS, &format!("c{round}"), SPAN).await;
        }
        let ticks_after = ticks(database);
        let registrations = count() - machines_before;
        let spent = ticks_after.iter().filter_map(|(thread, ticks)| {
            let spent = (ticks - ticks_before.get(thread)?) * TICK / registrations;
            (spent >= LEAST).then(|| format!("{thread} {spent:.1}"))
        });
        let spent = spent.collect::<Vec<_>>().join(", ");
        let batch = format!("SELECT count(*) / count(DISTINCT xmin::text) FROM {machines}");
        println!("| {name} | {spent} | {} |", database.run(&[&batch]));
        replicas.stop().await;
        database.drop(schema).await;
    }
}

/// The CPU time so far of this process's threads by name, and of PostgreSQL's processes together.
fn ticks(database: &Database) -> BTreeMap<String, f64> {
    let mut ticks = BTreeMap::<String, f64>::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let folder = task.unwrap().path();
        let name = std::fs::read_to_string(folder.join("comm")).unwrap_or_default();
        *ticks.entry(name.trim().to_owned()).or_default() += of(&folder.join("stat"));
    }
    let pids = database.run(&["SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"]);
    let postgres = pids.lines().map(|pid| of(format!("/proc/{pid}/stat").as_ref())).sum();
    ticks.insert("PostgreSQL".to_owned(), postgres);
    ticks
}

/// The user and system time in a file `stat`, or 0 if its task has ended.
fn of(stat: &std::path::Path) -> f64 {
    let stat = std::fs::read_to_string(stat).unwrap_or_default();
    let Some((_, fields)) = stat.rsplit_once(") ") else { return 0.0 };
    fields.split(' ').skip(11).take(2).map(|field| field.parse::<f64>().unwrap()).sum()
}
