//! The capabilities that a target declares, and whether the run exercised them.
//!
//! A declared capability whose checks were all skipped is an empty claim and fails the run (decision 2 of the design).
//! An undeclared one is listed, so that it is not mistaken for a pass.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use harness_model::scenario::model::Capability;

/// The declared and the undeclared capabilities of a target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claims {
    /// Capabilities that the target declares.
    pub declared: Vec<Claim>,
    /// Capabilities that the target does not declare; nothing that needs one is verified.
    pub not_verified: Vec<Unclaimed>,
}

/// A declared capability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// The capability's name, as in target profiles.
    pub capability: String,
    /// Whether the run exercised it.
    pub state: ClaimState,
    /// How many selected sub-tests need it.
    pub subtests: usize,
    /// How many checks of these sub-tests were judged.
    pub checks: usize,
}

/// Whether a run exercised a declared capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimState {
    /// A check that needs it was judged, or its sub-test was cut short.
    Exercised,
    /// Every check that needs it was skipped: the claim is empty and the run incomplete.
    Skipped,
    /// No selected sub-test needs it.
    NotSelected,
}

/// A capability that the target does not declare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unclaimed {
    /// The capability's name, as in target profiles.
    pub capability: String,
    /// The selected sub-tests that need it.
    pub subtests: Vec<String>,
}

/// How far a selected sub-test exercises the capabilities it needs.
#[derive(Debug, Clone)]
pub struct Exercise<'a> {
    pub id: &'a str,
    pub needs: BTreeSet<Capability>,
    /// Whether it ended without a verdict, which says nothing about the claim.
    pub is_cut_short: bool,
    /// How many of its checks were not skipped.
    pub checks: usize,
}

impl Claims {
    /// Determines what the selected sub-tests exercise of the declared capabilities.
    pub fn of(declared: &BTreeSet<Capability>, selected: &[Exercise<'_>]) -> Self {
        let needing =
            |capability: Capability| selected.iter().filter(move |one| one.needs.contains(&capability));
        let claim = |capability: Capability| {
            let subtests = needing(capability).count();
            let checks = needing(capability).map(|one| one.checks).sum();
            let was_tried = needing(capability).any(|one| one.is_cut_short);
            let state = match (subtests, checks) {
                (0, _) => ClaimState::NotSelected,
                (_, 0) if !was_tried => ClaimState::Skipped,
                _ => ClaimState::Exercised,
            };
            Claim { capability: capability.name().to_owned(), state, subtests, checks }
        };
        let unclaimed = |capability: Capability| Unclaimed {
            capability: capability.name().to_owned(),
            subtests: needing(capability).map(|one| one.id.to_owned()).collect(),
        };
        let (claimed, others): (Vec<_>, Vec<_>) =
            Capability::all().partition(|capability| declared.contains(capability));
        Self {
            declared: claimed.into_iter().map(claim).collect(),
            not_verified: others.into_iter().map(unclaimed).collect(),
        }
    }

    /// Returns the declared capabilities whose checks were all skipped.
    pub fn empty(&self) -> impl Iterator<Item = &Claim> {
        self.declared.iter().filter(|claim| claim.state == ClaimState::Skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claim_is_empty_when_all_its_checks_were_skipped() {
        let agent = BTreeSet::from([Capability::Agent]);
        let one = |is_cut_short, checks| Exercise { id: "a/ST1", needs: agent.clone(), is_cut_short, checks };
        let cases: [(&[Exercise<'_>], ClaimState); 5] = [
            (&[], ClaimState::NotSelected),
            (&[one(false, 0)], ClaimState::Skipped),
            (&[one(false, 0), one(false, 3)], ClaimState::Exercised),
            (&[one(true, 0), one(false, 0)], ClaimState::Exercised),
            (&[one(true, 2)], ClaimState::Exercised),
        ];
        for (selected, state) in cases {
            let claims = Claims::of(&agent, selected);
            assert_eq!(claims.declared.len(), 1);
            assert_eq!(claims.declared[0].state, state, "{selected:?}");
            assert_eq!(claims.empty().count(), usize::from(state == ClaimState::Skipped));
        }
    }

    #[test]
    fn undeclared_capabilities_are_listed_with_their_subtests() {
        let needs = BTreeSet::from([Capability::Clock]);
        let selected = [Exercise { id: "a/ST1", needs, is_cut_short: false, checks: 0 }];
        let claims = Claims::of(&BTreeSet::from([Capability::Agent]), &selected);
        assert_eq!(claims.declared.len() + claims.not_verified.len(), Capability::all().count());
        let clock = claims.not_verified.iter().find(|unclaimed| unclaimed.capability == "clock").unwrap();
        assert_eq!(clock.subtests, ["a/ST1"]);
    }
}
