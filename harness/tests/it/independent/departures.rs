//! Each small departure from the documents fails exactly the statements that it breaks.

use std::collections::BTreeSet;

use crate::independent::implementation::departure::Departure;
use crate::independent::implementation::listen::{Implementation, Protocol};
use crate::independent::implementation::nature::Nature;
use crate::independent::implementation::pace::Pace;
use crate::independent::judgement::judge;

/// Each departure, the statements that it breaks, and the sub-tests that must find it.
const DEPARTURES: &[(Departure, &[&str], &str)] = &[
    (Departure::CountsMachines, &["used-count/F.1", "used-count/ST3.1"], "used-count/ST3-http"),
    (Departure::OtherCodeForUsed, &["used-count/F.2"], "used-count/ST4-http"),
    (
        Departure::RacesLetSeveralIn,
        &["used-count/F.1", "used-count/F.2", "issuing/reuse.1"],
        "used-count/ST4-race",
    ),
    (Departure::ReusableByDefault, &["used-count/F.6"], "used-count/ST1"),
    (Departure::NinetyOneByDefault, &["generate/ST1.1"], "generate/ST1"),
    (Departure::LeapYear, &["generate/ST2.3", "generate/ST5.4"], "generate/ST2"),
    (Departure::FractionsRounded, &["generate/ST2.3", "generate/ST5.4"], "generate/ST2"),
    (Departure::TagPrefixKept, &["generate/ST3.1"], "generate/ST3"),
    (Departure::EmptyListKept, &["generate/ST4.3"], "generate/ST4"),
    (Departure::MembersCreate, &["generate/F.3", "generate/ST5.3", "generate/ST5.4"], "generate/ST5"),
    (Departure::OtherWordsForAdmin, &["generate/F.3", "generate/ST5.3"], "generate/ST5"),
    (Departure::ListShowsKeys, &["generate/F.6", "headless/ST1.2"], "headless/ST1"),
    (Departure::NoAlias, &["generate/F.1", "generate/F.5", "generate/ST1.2"], "generate/ST1"),
    (Departure::RefusedTagCounts, &["generate/ST3.2"], "generate/ST3"),
    (Departure::AddressFromHeader, &["generate/ST4.2"], "generate/ST4-addresses"),
    (Departure::EphemeralStays, &["generate/ST2.2", "issuing/ephemeral.1"], "issuing/ephemeral"),
    (Departure::SecondRecord, &["headless/F.4", "headless/ST4.3"], "headless/ST4-http"),
    (Departure::OldCredentialGood, &["headless/ST4.3"], "headless/ST4-keys"),
    (Departure::RevokedEnrols, &["headless/ST2.3", "issuing/revoke.1"], "issuing/revoke"),
    (Departure::QuarantineIsAWord, &["issuing/disconnect.1"], "issuing/disconnect-credentials"),
    (Departure::IdFilterIgnored, &["used-count/F.6", "used-count/ST1.2"], "used-count/ST1"),
    (Departure::SelectIgnored, &["used-count/ST3.2"], "used-count/ST3-http"),
    (Departure::RevokedFilterIgnored, &["api-key/F.6"], "api-key/ST1-revoked"),
    (Departure::ScopesUnchecked, &["api-key/ST2.3"], "api-key/ST2-scopes"),
    (Departure::UnknownScopes, &["api-key/ST2.2"], "api-key/ST2"),
    (Departure::RateUnchecked, &["api-key/ST3.2"], "api-key/ST3-race"),
    (Departure::NinetyOneDays, &["api-key/ST4.1"], "api-key/ST4"),
    (Departure::ApiKeysAreNoCredentials, &["api-key/F.1", "api-key/F.6", "api-key/ST1.1"], "api-key/ST1"),
];

#[test]
fn each_departure_fails_exactly_the_statements_it_breaks() {
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let halves = DEPARTURES.chunks(DEPARTURES.len().div_ceil(4));
        let running: Vec<_> = halves.map(|half| scope.spawn(|| unlike(half))).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn unlike(departures: &[(Departure, &[&str], &str)]) -> Vec<String> {
    let judged = departures.iter().map(|(departure, broken, subtest)| {
        let implementation =
            Implementation::start(Nature::departing(*departure), Pace::near(), Protocol::Closing);
        let judgement = judge(&implementation, &["--filter", subtest]);
        let broken: BTreeSet<String> = broken.iter().map(|id| (*id).to_owned()).collect();
        let violated = judgement.statements("violated");
        let is_right = judgement.code == 1 && violated == broken;
        (!is_right).then(|| format!("{departure:?} breaks {broken:?}, and {violated:?} failed: {judgement}"))
    });
    judged.flatten().collect()
}
