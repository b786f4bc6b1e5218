//! Whatever the documents leave open may be chosen in either way: each choice alone passes, and so do several together.

use crate::independent::choices::{CHOICES, Choice};
use crate::independent::files::{document, single_spaced};
use crate::independent::implementation::listen::{Implementation, Protocol};
use crate::independent::implementation::nature::Nature;
use crate::independent::implementation::pace::Pace;
use crate::independent::judgement::{judge, judge_selected};
use crate::run::Run;

/// How many implementations are judged at the same time.
const AT_ONCE: usize = 6;

/// Choices that show something only together.
const TOGETHER: &[&[Choice]] = &[
    &[Choice::DescriptionNames, Choice::ExpiresInClamped],
    &[Choice::DescriptionNames, Choice::ExpiresInTakenLoosely],
    &[Choice::NamesInvented, Choice::PeopleManageKeys],
    &[Choice::UsedKeysAreInvalid, Choice::RegistrationsWait],
];

#[test]
fn every_choice_cites_words_of_its_document() {
    let missing: Vec<String> = CHOICES
        .iter()
        .filter(|open| !document(open.document).contains(&single_spaced(open.words)))
        .map(|open| format!("{:?}: {} does not say “{}”", open.choice, open.document, open.words))
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn each_choice_of_the_control_plane_passes() {
    let alone = CHOICES.iter().filter(|open| open.subtests.is_empty());
    let together = TOGETHER.iter().map(|choices| (*choices, ""));
    pass(alone.map(|open| (std::slice::from_ref(&open.choice), "")).chain(together).collect());
}

#[test]
fn each_choice_of_the_agent_passes() {
    let of_agent = CHOICES.iter().filter(|open| !open.subtests.is_empty());
    pass(of_agent.map(|open| (std::slice::from_ref(&open.choice), open.subtests)).collect());
}

/// Judges every variant, several at a time.
fn pass(variants: Vec<(&[Choice], &str)>) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failures = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((choices, subtests)) =
                    variants.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    if let Some(failure) = failure(choices, subtests) {
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} variants fail:\n\n{}", failures.len(), failures.join("\n\n"));
}

/// What is wrong with the kit's judgement of this variant.
fn failure(choices: &[Choice], subtests: &str) -> Option<String> {
    let implementation = Implementation::start(Nature::choosing(choices), Pace::near(), Protocol::Closing);
    let judgement = match subtests {
        "" => judge(&implementation, &["--jobs", "8"]),
        subtests => judge_selected(&implementation, subtests),
    };
    let is_right = judgement.code == 0
        && judgement.statements("violated").is_empty()
        && judgement.subtests("fail").is_empty()
        && judgement.subtests("error").is_empty();
    (!is_right).then(|| format!("{}\n{}", described(choices), reasons(&judgement)))
}

fn described(choices: &[Choice]) -> String {
    let of = |choice: &Choice| CHOICES.iter().find(|open| open.choice == *choice).unwrap();
    let lines = choices.iter().map(of).map(|open| {
        format!("{:?}: {}\n  allowed by {}: “{}”", open.choice, open.what, open.document, open.words)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Why sub-tests failed, or everything that the program printed if none did.
fn reasons(judgement: &Run) -> String {
    let unfit = judgement.subtests("fail").into_iter().chain(judgement.subtests("error"));
    let lines: Vec<String> =
        unfit.map(|subtest| format!("  {subtest}: {}", judgement.reason(&subtest))).collect();
    if lines.is_empty() { judgement.to_string() } else { lines.join("\n") }
}
