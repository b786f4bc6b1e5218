//! How much more a registration costs among many machines.

use std::path::Path;

use crate::plane::Plane;
use crate::samples::Samples;
use crate::sql::Sql;

const SIZES: [u64; 3] = [100, 100_000, 1_000_000];
const ROUNDS: usize = 9;
const MOST: f64 = 1.2;

pub(crate) async fn report() {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = tempfile::tempdir_in(parent).unwrap();
    let mut planes = Vec::new();
    for size in SIZES {
        let path = folder.path().join(format!("{size}.db"));
        let first = Plane::start(&path).await;
        first.stop().await;
        Sql::of(&path).fill(size);
        planes.push(Plane::start(&path).await);
    }
    for clients in [1, 64] {
        let mut costs: [Samples; SIZES.len()] = std::array::from_fn(|_| Samples::default());
        for round in 0..ROUNDS {
            for (plane, costs) in planes.iter().zip(&mut costs) {
                costs.push(1e6 / plane.load(clients).run(&format!("g{clients}-{round}")).await);
            }
        }
        println!(
            "\n| {clients} clients, disk | µs a registration (spread) | ratio within a round (spread) | aim |"
        );
        println!("|-|-|-|-|");
        for (size, cost) in SIZES.iter().zip(&costs) {
            let ratio = cost.to(&costs[0]).spread(2);
            println!("| at {size} machines | {} | {ratio} | at most {MOST} |", cost.spread(0));
        }
    }
}
