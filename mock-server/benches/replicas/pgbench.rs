//! What PostgreSQL does without this program: a transaction of an UPDATE and an INSERT for each registration.

use std::process::Command;
use std::time::Duration;

use crate::database::Database;

const TABLES: &str = "DROP TABLE IF EXISTS bench_keys, bench_machines;
    CREATE TABLE bench_keys (id BIGINT PRIMARY KEY, used BIGINT NOT NULL);
    CREATE TABLE bench_machines (id BIGSERIAL PRIMARY KEY, key BIGINT NOT NULL, name TEXT NOT NULL);
    INSERT INTO bench_keys SELECT n, 0 FROM generate_series(1, 1000) n";

/// Creates the tables.
pub(crate) fn prepare(database: &Database) {
    database.run(&[TABLES]);
}

pub(crate) fn clean(database: &Database) {
    database.run(&["DROP TABLE bench_keys, bench_machines"]);
}

/// Transactions a second of that many clients.
pub(crate) fn rate(database: &Database, keys: usize, clients: usize, span: Duration) -> f64 {
    let script = format!(
        "\\set key random(1, {keys})\nBEGIN;\nUPDATE bench_keys SET used = used + 1 WHERE id = :key;\n\
         INSERT INTO bench_machines (key, name) VALUES (:key, 'a machine');\nEND;\n"
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), script).unwrap();
    let output = Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-j", "2", "-c", &clients.to_string()])
        .args(["-T", &span.as_secs().to_string(), "-f"])
        .arg(file.path())
        .arg(&database.url)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}
