//! What the user asked for.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::waiver::Waivers;

/// What the user asked for.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Suites by name; none means all.
    pub suites: Vec<String>,
    /// What of them.
    pub filter: Option<Filter>,
    /// Of that only these sub-tests, by id (`--rerun-failed`).
    pub only: Option<BTreeSet<String>>,
    /// Which part of that.
    pub shard: Option<Shard>,
    /// The seed of the order; none keeps the documents' order.
    pub shuffle: Option<u64>,
    /// How often each sub-test runs; 0 counts as 1.
    pub repeat: u32,
    /// After so many failed sub-tests none is begun any more.
    pub max_fail: Option<NonZeroU32>,
    /// Failures that are let through.
    pub waivers: Arc<Waivers>,
}

/// One of several parts that together are everything; a sub-test's part depends on its id alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shard {
    /// Which part, from 1.
    pub index: NonZeroU32,
    /// Of how many.
    pub count: NonZeroU32,
}

impl Shard {
    /// Whether the sub-test of that id belongs to this part. It depends on nothing but the id, so that a new
    /// sub-test never moves another one to another part.
    pub fn holds(self, id: &str) -> bool {
        hash(0, id) % u64::from(self.count.get()) + 1 == u64::from(self.index.get())
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts =
            text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        match parts {
            Some((index, count)) if index <= count => Ok(Self { index, count }),
            _ => Err(format!("`{text}` is no part of a whole; write `1/3` for the first of three")),
        }
    }
}

/// FNV-1a with a final mix: the standard library's hash may change with the compiler.
pub(super) fn hash(seed: u64, text: &str) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in seed.to_le_bytes().iter().chain(text.as_bytes()) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_in_exactly_one_part() {
        for count in 1..6 {
            let parts: Vec<Shard> =
                (1..=count).map(|index| format!("{index}/{count}").parse().unwrap()).collect();
            let mut sizes = vec![0; parts.len()];
            for number in 0..300 {
                let id = format!("used-count/ST{number}");
                let holding: Vec<usize> = (0..parts.len()).filter(|at| parts[*at].holds(&id)).collect();
                assert_eq!(holding.len(), 1, "{id} {count}");
                sizes[holding[0]] += 1;
            }
            assert!(sizes.iter().all(|size| *size > 300 / count / 2), "{sizes:?}");
        }
    }

    proptest::proptest! {
        /// A sub-test's part is its own: nothing else of the library decides it.
        #[test]
        fn any_id_is_in_exactly_one_part(id in "[a-z-]{1,12}/[A-Za-z0-9-]{1,12}", count in 1_u32..50) {
            let holding = (1..=count)
                .filter(|index| format!("{index}/{count}").parse::<Shard>().unwrap().holds(&id));
            proptest::prop_assert_eq!(holding.count(), 1);
        }
    }

    /// CI of one release compares itself with that of the one before, part by part.
    #[test]
    fn a_subtest_stays_in_its_part_from_release_to_release() {
        let part = |id: &str, count: u32| {
            let shard = |index| format!("{index}/{count}").parse::<Shard>().unwrap();
            (1..=count).find(|index| shard(*index).holds(id))
        };
        let ids = ["used-count/ST4", "generate/ST2", "api-key/ST1", "headless/ST3", "issuing/expiry"];
        assert_eq!(ids.map(|id| part(id, 1000)), [739, 282, 866, 95, 234].map(Some));
    }

    #[test]
    fn a_part_is_written_as_a_fraction() {
        for wrong in ["", "1", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2"] {
            assert!(wrong.parse::<Shard>().unwrap_err().contains("write `1/3`"), "{wrong}");
        }
    }
}
