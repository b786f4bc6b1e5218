//! The selection made on the command line.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::waiver::Waivers;

/// The sub-tests to run, and how.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Suite names; all suites if empty.
    pub suites: Vec<String>,
    pub filter: Option<Filter>,
    /// If set, only these sub-test ids (`--rerun-failed`).
    pub only: Option<BTreeSet<String>>,
    pub shard: Option<Shard>,
    /// The seed of a random order; documented order if `None`.
    pub shuffle: Option<u64>,
    /// How often each sub-test runs; 0 means once.
    pub repeat: u32,
    /// Stop starting sub-tests after this many failures.
    pub max_fail: Option<NonZeroU32>,
    pub waivers: Arc<Waivers>,
    pub waits: Waits,
}

/// Which sub-tests that wait are run on a target whose clock cannot be advanced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Waits {
    /// None (`--no-waits`).
    Never,
    /// Those that wait for some minutes.
    #[default]
    Short,
    /// All (`--long-waits`).
    Long,
}

impl Selection {
    /// Returns whether it may leave out sub-tests of the library.
    pub fn is_narrowed(&self) -> bool {
        let is_part = self.shard.is_some_and(|shard| shard.count.get() > 1);
        !self.suites.is_empty() || self.filter.is_some() || self.only.is_some() || is_part
    }
}

/// One of several parts of the sub-tests, for splitting a run across CI jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shard {
    /// Counted from 1.
    pub index: NonZeroU32,
    /// The number of shards.
    pub count: NonZeroU32,
}

impl Shard {
    /// Returns whether the sub-test belongs to this shard. This only depends on the id, so that new sub-tests do not
    /// move others to different shards.
    pub fn holds(self, id: &str) -> bool {
        hash(0, id) % u64::from(self.count.get()) + 1 == u64::from(self.index.get())
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index, self.count)
    }
}

/// A text that is not of the form `INDEX/COUNT`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid shard: expected INDEX/COUNT, such as 1/3")]
pub struct InvalidShard;

impl FromStr for Shard {
    type Err = InvalidShard;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts =
            text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        match parts {
            Some((index, count)) if index <= count => Ok(Self { index, count }),
            _ => Err(InvalidShard),
        }
    }
}

/// FNV-1a with a final mix. The hash of the standard library may change between compiler versions.
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
    fn every_id_is_in_exactly_one_shard() {
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
        #[test]
        fn arbitrary_id_is_in_exactly_one_shard(id in "[a-z-]{1,12}/[A-Za-z0-9-]{1,12}", count in 1_u32..50) {
            let holding = (1..=count)
                .filter(|index| format!("{index}/{count}").parse::<Shard>().unwrap().holds(&id));
            proptest::prop_assert_eq!(holding.count(), 1);
        }
    }

    /// CI compares the shards of one release with those of the previous release.
    #[test]
    fn shards_are_stable_across_releases() {
        let part = |id: &str, count: u32| {
            let shard = |index| format!("{index}/{count}").parse::<Shard>().unwrap();
            (1..=count).find(|index| shard(*index).holds(id))
        };
        let ids = ["used-count/ST4", "generate/ST2", "api-key/ST1", "headless/ST3", "issuing/expiry"];
        assert_eq!(ids.map(|id| part(id, 1000)), [739, 282, 866, 95, 234].map(Some));
    }

    #[test]
    fn invalid_shards_are_rejected() {
        for wrong in ["", "1", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2"] {
            assert_eq!(wrong.parse::<Shard>(), Err(InvalidShard), "{wrong}");
        }
    }
}
