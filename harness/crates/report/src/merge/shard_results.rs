//! The results of a shard, and why shards cannot be merged.

use harness_model::plan::Shard;
use harness_model::plan::waiver::InvalidWaiver;

use crate::results::Results;

/// The results of one shard.
#[derive(Debug, Clone)]
pub struct ShardResults {
    /// The file they were read from.
    pub file: String,
    pub results: Results,
}

/// The results cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    #[error("no results to merge")]
    Nothing,
    #[error("{file} is not a shard: it was created without --shard")]
    NotAShard { file: String },
    #[error("{first} and {second} come from different runs: {difference} differs")]
    DifferentRuns { first: String, second: String, difference: RunDifference },
    #[error("{first} and {second} are the same shard: {shard}")]
    SameShard { first: String, second: String, shard: Shard },
    #[error("missing shards: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    MissingShards(Vec<Shard>),
    #[error(
        "{file} was created with different scenarios\nuse the kit that created it, or pass its scenarios with --scenarios"
    )]
    OtherScenarios { file: String },
    #[error("invalid results {file}: {subtest} belongs to another shard")]
    ForeignSubtest { file: String, subtest: String },
    #[error("invalid results {file}: {subtest} occurs twice")]
    RepeatedSubtest { file: String, subtest: String },
    #[error("invalid results {file}: {cause}")]
    InvalidWaiver { file: String, cause: InvalidWaiver },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RunDifference {
    #[error("the kit's version")]
    Kit,
    #[error("the target")]
    Target,
    #[error("the version of the scenarios")]
    Scenarios,
    #[error("the selection")]
    Selection,
    #[error("the number of shards")]
    ShardCount,
    #[error("the set of waivers")]
    Waivers,
}
