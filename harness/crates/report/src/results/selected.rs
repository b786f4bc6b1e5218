//! What a run was asked to do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use harness_model::plan::{Plan, Shard};

/// What a run was asked to do: two results can be compared or joined as far as this is alike.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Selected {
    /// The suites that were named; none: all.
    pub suites: Vec<String>,
    /// The filter.
    pub filter: Option<String>,
    /// Whether only what failed before ran.
    #[serde(default)]
    pub rerun: bool,
    /// Which part of that, of how many.
    pub shard: Option<Shard>,
    /// How often each sub-test was to run.
    pub repeat: u32,
    /// The seed of the order.
    pub shuffle: Option<u64>,
    /// What tells the scenarios from those of another version.
    pub scenarios: String,
}

impl Selected {
    /// What a plan was made from.
    pub fn of(plan: &Plan) -> Self {
        let selection = &plan.selection;
        Self {
            suites: selection.suites.clone(),
            filter: selection.filter.as_ref().map(|filter| filter.as_str().to_owned()),
            rerun: selection.only.is_some(),
            shard: selection.shard,
            repeat: selection.repeat.max(1),
            shuffle: selection.shuffle,
            scenarios: plan.fingerprint.clone(),
        }
    }

    /// Whether it left sub-tests out that the other selects, as far as can be told.
    pub fn is_narrowed_against(&self, other: &Self) -> bool {
        (&self.suites, &self.filter, self.rerun, self.shard)
            != (&other.suites, &other.filter, other.rerun, other.shard)
            && (!self.suites.is_empty() || self.filter.is_some() || self.rerun || self.shard.is_some())
    }
}
