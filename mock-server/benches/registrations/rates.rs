//! Registrations a second beside what they consist of.

use std::path::Path;

use crate::bare::{self, Handler};
use crate::clients::Load;
use crate::plane::Plane;
use crate::samples::Samples;
use crate::sql::Sql;

const ROUNDS: usize = 11;
/// As many registrations as there are clients share a commit.
const CLIENTS: usize = 64;

/// One round of everything, on the same file system.
struct Contenders {
    folder: tempfile::TempDir,
    handler: Handler,
    plane: Plane,
    sql: Sql,
}

/// What is measured, in the order of a round.
const ROWS: [&str; 7] = [
    "bare one-row commits",
    "a handler of one row, 1 client",
    "the registration's SQL, a commit each",
    "registrations, 1 client",
    "a handler of one row, 64 clients",
    "the registration's SQL, 64 a commit",
    "registrations, 64 clients",
];

/// A row's ratio to another row, and what it should be on a disk.
const AIMS: [(usize, usize, Option<f64>); 6] =
    [(3, 1, Some(0.5)), (6, 5, Some(0.5)), (6, 0, Some(2.2)), (3, 0, None), (3, 2, None), (6, 4, None)];

const DISK: &str = "disk";

pub(crate) async fn report() {
    for (place, parent) in places() {
        let contenders = Contenders::start(&parent).await;
        let mut rows: [Samples; ROWS.len()] = std::array::from_fn(|_| Samples::default());
        for round in 0..ROUNDS {
            for (row, samples) in rows.iter_mut().enumerate() {
                samples.push(contenders.measure(row, round).await);
            }
        }
        println!("\n| {place} | a second (spread) |\n|-|-|");
        for (name, samples) in ROWS.iter().zip(&rows) {
            println!("| {name} | {} |", samples.spread(0));
        }
        println!("\n| {place} | ratio within a round (spread) | aim |\n|-|-|-|");
        for (one, other, aim) in AIMS {
            let aim = aim.filter(|_| place == DISK).map_or(String::new(), |aim| format!("at least {aim}"));
            println!(
                "| {} / {} | {} | {aim} |",
                ROWS[one],
                ROWS[other],
                rows[one].to(&rows[other]).spread(2)
            );
        }
    }
}

/// A disk, and a file system in memory if there is one.
fn places() -> Vec<(&'static str, std::path::PathBuf)> {
    let disk = (DISK, Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned());
    let memory = Path::new("/dev/shm");
    let memory = memory.is_dir().then(|| ("tmpfs", memory.to_owned()));
    std::iter::once(disk).chain(memory).collect()
}

impl Contenders {
    async fn start(parent: &Path) -> Self {
        std::fs::create_dir_all(parent).unwrap();
        let folder = tempfile::tempdir_in(parent).unwrap();
        let at = |name: &str| folder.path().join(name);
        let handler = Handler::start(&at("handler.db")).await;
        let plane = Plane::start(&at("plane.db")).await;
        let sql = Sql::open(&at("sql.db")).await;
        sql.check_against(&at("check.db")).await;
        Self { handler, plane, sql, folder }
    }

    async fn measure(&self, row: usize, round: usize) -> f64 {
        let handler = |clients| Load::new(self.handler.address, "/one-row", "", clients);
        match row {
            0 => bare::commits(&self.folder.path().join("bare.db")),
            1 => handler(1).run(&format!("a{round}")).await,
            2 => self.sql.rate(1),
            3 => self.plane.load(1).run(&format!("b{round}")).await,
            4 => handler(CLIENTS).run(&format!("c{round}")).await,
            5 => self.sql.rate(CLIENTS),
            _ => self.plane.load(CLIENTS).run(&format!("d{round}")).await,
        }
    }
}
