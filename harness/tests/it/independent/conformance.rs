//! A conformant implementation passes, with an agent of its own that is a script.

use std::collections::BTreeSet;

use harness_model::requirement::{Level, Via};

use crate::independent::choices::{Choice, Reach};
use crate::independent::files::library;
use crate::independent::implementation::listen::{Implementation, Protocol};
use crate::independent::implementation::nature::Nature;
use crate::independent::implementation::pace::Pace;
use crate::independent::judgement::{judge, judge_waiting, judge_with_agent, judge_within};
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

/// No sub-test gives an agent a key after a login, so that what goes over the wire is the same whichever it prefers: the
/// member of `used-count/ST5.3` logs in afterwards, as the document has it.
#[test]
fn an_agent_may_prefer_its_session_to_a_key() {
    let reach = Reach::Agent("used-count/ST5, issuing/create-cli, issuing/login");
    let mut enrolments = Vec::new();
    for choices in [&[][..], &[Choice::SessionsBeforeKeys]] {
        let nature = Nature::choosing(choices);
        let implementation = Implementation::start(nature, Pace::near(), Protocol::Closing);
        let judgement = judge_within(&implementation, reach);
        assert_eq!(judgement.code, 0, "{choices:?}: {judgement}");
        for statement in ["used-count/ST5.3", "issuing/create.3", "issuing/login.1"] {
            assert_eq!(judgement.statement(statement), "verified", "{choices:?}: {judgement}");
        }
        enrolments
            .push(["POST /api/register-machine", "POST /agent/join"].map(|way| implementation.asked(way)));
    }
    assert!(enrolments[0].iter().all(|count| *count > 0), "{enrolments:?}");
    assert_eq!(enrolments[0], enrolments[1], "by key, and by session");
}

#[test]
fn a_reset_hook_gives_an_empty_target_and_a_clock_without_a_hook_is_the_kits() {
    let choices = [Choice::ResponsesWithoutDate];
    let implementation = Implementation::start(Nature::choosing(&choices), Pace::near(), Protocol::Closing);
    let words = [
        "--no-waits",
        "--filter",
        "used-count/ST2-no-keys, generate/ST1, generate/ST4, issuing/expiry, issuing/expiry-minutes",
    ];
    let judgement = judge_waiting(&implementation, true, &words);
    assert_eq!(judgement.code, 0, "{judgement}");
    assert_eq!(judgement.verdict("used-count/ST2-no-keys"), "pass", "{judgement}");
    assert_eq!(judgement.statement("generate/F.8"), "verified", "{judgement}");
    assert_eq!(judgement.verdict("issuing/expiry-minutes"), "skip", "{judgement}");
    assert_eq!(implementation.asked("POST /for-tests/reset"), 2, "{judgement}");
    assert_eq!(implementation.asked("POST /for-tests/clock"), 0, "{judgement}");
}

#[test]
#[ignore = "waits for a minute"]
fn a_rate_limit_is_waited_for_without_a_clock_hook() {
    let implementation = Implementation::start(Nature::default(), Pace::near(), Protocol::Closing);
    let judgement = judge_waiting(&implementation, false, &["--filter", "api-key/ST3-enforced, api-key/ST3"]);
    assert_eq!(judgement.verdict("api-key/ST3-enforced"), "pass", "{judgement}");
    assert_eq!(judgement.statement("api-key/ST3.2"), "verified", "{judgement}");
    assert!(judgement.took > std::time::Duration::from_secs(61), "{judgement}");
}
