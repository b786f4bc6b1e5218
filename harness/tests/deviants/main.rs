//! Implementations that are wrong in one thing each: the reference behind a layer that bends it. Every one of
//! them must be found, by a check of the statement that it breaks.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may end like this")]

mod deviation;
mod implementation;
mod layer;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use deviation::{self as wrong, Deviation};
use implementation::Implementation;

/// What is wrong, where it is looked for, and the statement that it breaks.
const DEVIANTS: &[(&str, Deviation, &str, &str)] = &[
    ("used_count never moves", wrong::FROZEN_COUNT, "issuing/reuse", "used-count/F.1"),
    ("used_count is null at first", wrong::NULL_COUNT, "used-count/ST1", "used-count/F.6"),
    ("used_count is text", wrong::COUNT_AS_TEXT, "used-count/ST1", "used-count/ST1.2"),
    ("refusals count", wrong::REFUSALS_COUNT, "used-count/ST4-expired", "used-count/ST4.3"),
    ("a single-use key is good twice", wrong::ALWAYS_REUSABLE, "used-count/ST4-race", "used-count/F.2"),
    (
        "reuse is judged before expiry",
        wrong::USED_BEFORE_EXPIRED,
        "used-count/ST4-expired",
        "used-count/ST4.4",
    ),
    ("KEY_USED comes with 403", wrong::USED_IS_FORBIDDEN, "used-count/ST4-expired", "used-count/F.2"),
    ("select is ignored", wrong::SELECT_IGNORED, "used-count/ST3", "used-count/ST3.2"),
    ("filters are ignored", wrong::FILTER_IGNORED, "used-count/ST1", "used-count/ST1.2"),
    ("every list is empty", wrong::EMPTY_LISTS, "used-count/ST1", "used-count/ST1.2"),
    ("the prefix is not required", wrong::PREFIX_OPTIONAL, "headless/ST2-keys", "headless/F.5"),
    ("a creation answers 200", wrong::CREATED_IS_OK, "generate/ST1", "generate/F.4"),
    ("the alias is missing", wrong::NO_ALIAS, "generate/ST1", "generate/F.1"),
    ("a list has the hash", wrong::HASH_LISTED, "generate/ST1", "generate/F.6"),
    ("key_prefix is the whole key", wrong::KEY_LISTED, "generate/ST1", "generate/F.6"),
    ("366 days are accepted", wrong::LONGER_EXPIRY, "generate/ST2", "generate/ST2.3"),
    ("what is refused is stored", wrong::REFUSED_YET_STORED, "generate/ST2", "generate/ST5.4"),
    ("tag: stays", wrong::TAG_PREFIX_KEPT, "generate/ST3", "generate/ST3.1"),
    ("[] is no null", wrong::EMPTY_CIDRS_KEPT, "generate/ST4", "generate/ST4.3"),
    (
        "X-Forwarded-For is believed",
        wrong::FORWARDED_FOR_BELIEVED,
        "generate/ST4-addresses",
        "generate/ST4.2",
    ),
    ("a member may create keys", wrong::MEMBER_MAY_CREATE, "generate/ST5", "generate/ST5.3"),
    (
        "keys are seen from elsewhere",
        wrong::SEEN_FROM_ELSEWHERE,
        "generate/ST5-organisations",
        "ours/roles.3",
    ),
    ("a revoked key enrols", wrong::NEVER_REVOKED, "issuing/revoke", "issuing/revoke.1"),
    ("quarantine does nothing", wrong::NEVER_QUARANTINED, "issuing/disconnect", "issuing/disconnect.1"),
    ("connected without a handshake", wrong::NEVER_REACHED, "headless/ST2-wire", "headless/ST2.1"),
    ("peers know another's address", wrong::ANOTHERS_ADDRESS, "headless/ST4-wire", "headless/ST4.3"),
    ("an old node key still counts", wrong::OLD_KEYS_COUNT, "headless/ST4-wire", "headless/ST4.3"),
    (
        "quarantine cuts nobody off",
        wrong::NEVER_QUARANTINED,
        "issuing/disconnect-wire",
        "issuing/disconnect.1",
    ),
    (
        "who is deleted is not cut off",
        wrong::NEVER_DELETED,
        "issuing/disconnect-wire",
        "issuing/disconnect.1",
    ),
    ("the alias is missing, for API keys", wrong::NO_ALIAS, "api-key/ST1", "api-key/F.1"),
    ("a list has an API key's hash", wrong::HASH_LISTED, "api-key/ST1", "api-key/F.5"),
    ("no API key is ever listed", wrong::EMPTY_LISTS, "api-key/ST1", "api-key/F.5"),
    ("scopes are stored, not heeded", wrong::SCOPES_UNHEEDED, "api-key/ST2-scopes", "api-key/ST2.3"),
    ("the rate limit is always 60", wrong::RATE_ALWAYS_60, "api-key/ST3", "api-key/ST3.1"),
    ("91 days are accepted", wrong::LONGER_EXPIRY, "api-key/ST4", "api-key/ST4.1"),
];

#[test]
fn the_reference_behind_the_layer_is_conformant() {
    let filters: Vec<&str> = DEVIANTS.iter().map(|(_, _, filter, _)| *filter).collect();
    let run = Implementation::with(wrong::NONE).judge(&filters.join(", "));
    assert_eq!(run.code, 0, "{run}");
}

#[test]
fn every_deviant_is_found_by_the_statement_that_it_breaks() {
    let next = AtomicUsize::new(0);
    let missed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((name, deviation, filter, statement)) =
                    DEVIANTS.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let run = Implementation::with(*deviation).judge(filter);
                    if run.code != 1 || run.statement(statement) != "violated" {
                        missed.lock().unwrap().push(format!("{name} ({statement}): {run}"));
                    }
                }
            });
        }
    });
    let missed = missed.into_inner().unwrap();
    assert!(missed.is_empty(), "{} were not found:\n{}", missed.len(), missed.join("\n"));
}
