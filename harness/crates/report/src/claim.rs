//! What a target declares to be able to do, and how much of that a run has put to the test.
//!
//! A capability that is declared while every check that needs it was skipped is an empty claim, and fails the run
//! (decision 2 of the design). One that is not declared is listed, so that nobody takes silence for a pass.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use harness_model::scenario::model::Capability;

/// The target's claims and what was not claimed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claims {
    /// What it declares.
    pub declared: Vec<Claim>,
    /// What it does not declare: nothing that needs it is verified.
    pub not_verified: Vec<Unclaimed>,
}

/// A declared capability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// As profiles write it.
    pub capability: String,
    /// What the run says about it.
    pub state: ClaimState,
    /// How many selected sub-tests need it.
    pub subtests: usize,
    /// How many checks in them were judged.
    pub checks: usize,
}

/// What a run says about a declared capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimState {
    /// A check that needs it was judged, or should have been.
    Exercised,
    /// Every check that needs it was skipped: the claim is empty, and the run incomplete.
    Skipped,
    /// Nothing that needs it was selected.
    NotSelected,
}

/// A capability that the target does not declare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unclaimed {
    /// As profiles write it.
    pub capability: String,
    /// The selected sub-tests that need it.
    pub subtests: Vec<String>,
}

/// A selected sub-test, as far as claims go.
#[derive(Debug, Clone, Copy)]
pub struct Exercise<'a> {
    /// Its id.
    pub id: &'a str,
    /// What it needs.
    pub needs: &'a BTreeSet<Capability>,
    /// Whether it came to no verdict: it says so itself, and nothing about the claim.
    pub is_cut_short: bool,
    /// How many of its checks ended otherwise than skipped.
    pub checks: usize,
}

impl Claims {
    /// What these sub-tests say about a target that declares that.
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

    /// The declared capabilities that nothing was judged of although something was selected.
    pub fn empty(&self) -> impl Iterator<Item = &Claim> {
        self.declared.iter().filter(|claim| claim.state == ClaimState::Skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_empty_when_every_check_that_needs_it_was_skipped() {
        let agent = BTreeSet::from([Capability::Agent]);
        let one = |is_cut_short, checks| Exercise { id: "a/ST1", needs: &agent, is_cut_short, checks };
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
    fn what_is_not_declared_is_listed_with_what_needs_it() {
        let needs = BTreeSet::from([Capability::Clock]);
        let selected = [Exercise { id: "a/ST1", needs: &needs, is_cut_short: false, checks: 0 }];
        let claims = Claims::of(&BTreeSet::from([Capability::Agent]), &selected);
        assert_eq!(claims.declared.len() + claims.not_verified.len(), Capability::all().count());
        let clock = claims.not_verified.iter().find(|unclaimed| unclaimed.capability == "clock").unwrap();
        assert_eq!(clock.subtests, ["a/ST1"]);
    }
}
