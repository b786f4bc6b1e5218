//! The selection of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::coverage::Scope;
use harness_model::plan::{Plan, Shard, Waits};

/// What a run selected. Results can be compared or merged only as far as their selections agree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Selected {
    /// The selected suites; empty for all.
    pub suites: Vec<String>,
    pub filter: Option<String>,
    /// Whether only sub-tests that failed before were run.
    #[serde(default)]
    pub rerun: bool,
    /// The shard of the selection.
    pub shard: Option<Shard>,
    /// How often each sub-test should run.
    pub repeat: u32,
    /// The seed of the shuffled order.
    pub shuffle: Option<u64>,
    /// Which sub-tests that wait were run where the target's clock cannot be advanced.
    #[serde(default, skip_serializing_if = "is_default")]
    pub waits: Waits,
    /// A fingerprint of the scenarios and the registry.
    pub scenarios: String,
}

impl Selected {
    /// Returns the selection that a plan was made from.
    pub fn of(plan: &Plan) -> Self {
        let selection = &plan.selection;
        Self {
            suites: selection.suites.clone(),
            filter: selection.filter.as_ref().map(|filter| filter.as_str().to_owned()),
            rerun: selection.only.is_some(),
            shard: selection.shard,
            repeat: selection.repeat.max(1),
            shuffle: selection.shuffle,
            waits: selection.waits,
            scenarios: plan.fingerprint.clone(),
        }
    }

    /// Whether a flag may have left out sub-tests of the library.
    pub fn scope(&self) -> Scope {
        let is_part = self.shard.is_some_and(|shard| shard.count.get() > 1);
        Scope::of(!self.suites.is_empty() || self.filter.is_some() || self.rerun || is_part)
    }

    /// Whether it may omit sub-tests that the other one selects.
    pub fn is_narrowed_against(&self, other: &Self) -> bool {
        (&self.suites, &self.filter, self.rerun, self.shard)
            != (&other.suites, &other.filter, other.rerun, other.shard)
            && self.scope() == Scope::Selection
    }
}

fn is_default(waits: &Waits) -> bool {
    *waits == Waits::default()
}
