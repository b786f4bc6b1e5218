//! A conformant implementation passes, with an agent of its own that is a script.

use std::collections::BTreeSet;

use harness_model::requirement::{Level, Via};

use crate::independent::files::library;
use crate::independent::implementation::listen::{Implementation, Protocol};
use crate::independent::implementation::nature::Nature;
use crate::independent::implementation::pace::Pace;
use crate::independent::judgement::{judge, judge_with_agent};
use crate::independent::statements::UNSEEN;

/// Every statement that can be verified over HTTP without an agent.
fn seen_over_http() -> BTreeSet<String> {
    let library = library();
    let binding = library.registry.all().iter().filter(|statement| statement.level != Level::Ours);
    binding
        .filter(|statement| statement.via.contains(&Via::Http))
        .filter(|statement| !UNSEEN.iter().any(|(id, _)| *id == statement.id))
        .map(|statement| statement.id.clone())
        .collect()
}

#[test]
fn a_conformant_implementation_unlike_the_reference_passes() {
    let implementation = Implementation::start(Nature::default(), Pace::far_away(), Protocol::Closing);
    let judgement = judge_with_agent(&implementation, &["--jobs", "16"]);
    assert_eq!(judgement.statements("violated"), BTreeSet::new(), "{judgement}");
    assert_eq!(judgement.subtests("fail").union(&judgement.subtests("error")).count(), 0, "{judgement}");
    assert_eq!(judgement.code, 0, "{judgement}");
    let verified = judgement.statements("verified");
    let unverified: Vec<String> = seen_over_http().difference(&verified).cloned().collect();
    assert_eq!(unverified, Vec::<String>::new(), "{judgement}");
    // Choices of the reference are not judged here.
    assert!(!verified.iter().any(|statement| statement.starts_with("ours/")), "{judgement}");
}

#[test]
fn an_http_2_only_implementation_passes() {
    let implementation = Implementation::start(Nature::default(), Pace::near(), Protocol::Multiplexed);
    let words =
        ["--filter", "used-count/ST1,used-count/ST3-race,generate/ST4-addresses,api-key/ST3-enforced"];
    let judgement = judge(&implementation, &words);
    assert_eq!(judgement.code, 0, "{judgement}");
    assert_eq!(judgement.subtests("pass").len(), 4, "{judgement}");
}
