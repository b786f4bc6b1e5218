//! Each small departure from the documents fails exactly the statements that it breaks.

use std::collections::BTreeSet;

use crate::independent::implementation::departure::Departure;
use crate::independent::implementation::listen::{Implementation, Protocol};
use crate::independent::implementation::nature::Nature;
use crate::independent::implementation::pace::Pace;
use crate::independent::judgement::judge;

/// A departure, the statements that it breaks, and the sub-test that must find it.
type Case = (Departure, &'static [&'static str], &'static str);

/// Each group is one implementation whose departures break statements of their own, each in its own sub-test.
const DEPARTURES: &[&[Case]] = &[
    &[
        (Departure::CountsMachines, &["used-count/F.1", "used-count/ST3.1"], "used-count/ST3-http"),
        (Departure::NinetyOneByDefault, &["generate/ST1.1"], "generate/ST1"),
        (Departure::MembersCreate, &["generate/F.3", "generate/ST5.3", "generate/ST5.4"], "generate/ST5"),
        (Departure::RevokedFilterIgnored, &["api-key/F.6"], "api-key/ST1-revoked"),
    ],
    &[
        (Departure::OtherCodeForUsed, &["used-count/F.2"], "used-count/ST4-http"),
        (Departure::LeapYear, &["generate/ST2.3", "generate/ST5.4"], "generate/ST2"),
        (Departure::SecondRecord, &["headless/F.4", "headless/ST4.3"], "headless/ST4-http"),
        (Departure::ScopesUnchecked, &["api-key/ST2.3"], "api-key/ST2-scopes"),
    ],
    &[
        (
            Departure::RacesLetSeveralIn,
            &["used-count/F.1", "used-count/F.2", "issuing/reuse.1"],
            "used-count/ST4-race",
        ),
        (Departure::TagPrefixKept, &["generate/ST3.1"], "generate/ST3"),
        (Departure::EphemeralStays, &["generate/ST2.2", "issuing/ephemeral.1"], "issuing/ephemeral"),
        (Departure::OldCredentialGood, &["headless/ST4.3"], "headless/ST4-keys"),
        (Departure::UnknownScopes, &["api-key/ST2.2"], "api-key/ST2"),
    ],
    &[
        (Departure::ReusableByDefault, &["used-count/F.6"], "used-count/ST1"),
        (Departure::FractionsRounded, &["generate/ST2.3", "generate/ST5.4"], "generate/ST2"),
        (Departure::EmptyListKept, &["generate/ST4.3"], "generate/ST4"),
        (Departure::RevokedEnrols, &["headless/ST2.3", "issuing/revoke.1"], "issuing/revoke"),
    ],
    &[
        (Departure::IdFilterIgnored, &["used-count/F.6", "used-count/ST1.2"], "used-count/ST1"),
        (Departure::RateUnchecked, &["api-key/ST3.2"], "api-key/ST3-race"),
    ],
    &[
        (Departure::NoAlias, &["generate/F.1", "generate/F.5", "generate/ST1.2"], "generate/ST1"),
        (Departure::QuarantineIsAWord, &["issuing/disconnect.1"], "issuing/disconnect-credentials"),
    ],
    &[
        (Departure::SelectIgnored, &["used-count/ST3.2"], "used-count/ST3-http"),
        (Departure::OtherWordsForAdmin, &["generate/F.3", "generate/ST5.3"], "generate/ST5"),
        (Departure::AddressFromHeader, &["generate/ST4.2"], "generate/ST4-addresses"),
        (Departure::NinetyOneDays, &["api-key/ST4.1"], "api-key/ST4"),
    ],
    &[
        (Departure::ListShowsKeys, &["generate/F.6", "headless/ST1.2"], "headless/ST1"),
        (Departure::RefusedTagCounts, &["generate/ST3.2"], "generate/ST3"),
        (Departure::ApiKeysAreNoCredentials, &["api-key/F.1", "api-key/F.6", "api-key/ST1.1"], "api-key/ST1"),
    ],
];

#[test]
fn each_departure_fails_exactly_the_statements_it_breaks() {
    judge_all(DEPARTURES);
}

/// Here no departure can hide that another one is not found.
#[test]
#[ignore = "takes ten seconds"]
fn each_departure_alone_fails_exactly_the_statements_it_breaks() {
    let alone: Vec<&[Case]> = DEPARTURES.iter().flat_map(|group| group.chunks(1)).collect();
    judge_all(&alone);
}

fn judge_all(groups: &[&[Case]]) {
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let parts = groups.chunks(groups.len().div_ceil(4));
        let running: Vec<_> = parts
            .map(|part| scope.spawn(|| part.iter().flat_map(|group| unlike(group)).collect::<Vec<_>>()))
            .collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn unlike(group: &[Case]) -> Vec<String> {
    let nature = Nature::departing(group.iter().map(|(departure, ..)| *departure).collect());
    let implementation = Implementation::start(nature, Pace::near(), Protocol::Closing);
    let subtests: Vec<&str> = group.iter().map(|(.., subtest)| *subtest).collect();
    let judgement = judge(&implementation, &["--filter", &subtests.join(",")]);
    let broken: Vec<&str> = group.iter().flat_map(|(_, broken, _)| *broken).copied().collect();
    let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<String>>();
    assert_eq!(owned(&broken).len(), broken.len(), "none hides another: {broken:?}");
    let judged = group.iter().map(|(departure, broken, subtest)| {
        let failed = judgement.failed_statements(subtest);
        (failed != owned(broken)).then(|| format!("{departure:?} breaks {broken:?}, and {failed:?} failed"))
    });
    let mut wrong: Vec<String> = judged.flatten().collect();
    if judgement.code != 1 || judgement.statements("violated") != owned(&broken) || !wrong.is_empty() {
        wrong.push(judgement.to_string());
    }
    wrong
}
