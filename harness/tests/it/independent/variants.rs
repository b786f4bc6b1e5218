//! Whatever the documents leave open may be chosen in either way: each choice alone passes, and so do several together.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::independent::choices::{CHOICES, Choice, Reach};
use crate::independent::files::{document, single_spaced};
use crate::independent::implementation::listen::{Implementation, Protocol};
use crate::independent::implementation::nature::Nature;
use crate::independent::implementation::pace::Pace;
use crate::independent::judgement::judge_within;
use crate::run::Run;

/// How many implementations are judged at the same time.
const AT_ONCE: usize = 6;

/// Choices that show something only together.
const TOGETHER: &[&[Choice]] = &[
    &[Choice::DescriptionNames, Choice::ExpiresInClamped],
    &[Choice::DescriptionNames, Choice::ExpiresInTakenLoosely],
    &[Choice::NamesInvented, Choice::PeopleManageKeys],
];

/// Choices of which an implementation makes one at most: together they would contradict a document.
const APART: &[&[Choice]] = &[
    &[
        Choice::DescriptionNames,
        Choice::NamesInvented,
        Choice::GuideFieldsIgnored,
        Choice::UnknownFieldsRefused,
        Choice::NamesAreHostNames,
        Choice::NamesAreUnique,
    ],
    &[Choice::ListAsksForColumns, Choice::ExpiryInLocalTime, Choice::GuideTable],
];

/// What its own agent relies on: names are descriptions, and keys have tags and `expires_in`.
const WITHOUT_AGENT: &[Choice] =
    &[Choice::GuideFieldsIgnored, Choice::UnknownFieldsRefused, Choice::NamesAreHostNames];

/// Each seed makes one random combination of choices.
const SEEDS: std::ops::Range<u64> = 1..5;
const COMBINED: usize = 12;
const AGENT_SUBTESTS: &str = "used-count/ST2, used-count/ST5, headless/ST2, headless/ST2-connected, headless/ST4-again, \
                              issuing/create-cli, issuing/rollout";

struct Variant {
    /// How it came about, if not by a table.
    seed: Option<u64>,
    choices: Vec<Choice>,
    reach: Reach,
}

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
    let together = TOGETHER.iter().map(|choices| Variant {
        seed: None,
        choices: choices.to_vec(),
        reach: Reach::ControlPlane,
    });
    pass(&alone(false).chain(together).collect::<Vec<_>>());
}

#[test]
fn each_choice_of_the_agent_passes() {
    pass(&alone(true).collect::<Vec<_>>());
}

#[test]
fn random_choices_together_pass() {
    let control_plane = SEEDS.map(|seed| combination(seed, false, Reach::Races));
    let agent = SEEDS.map(|seed| combination(seed, true, Reach::Agent(AGENT_SUBTESTS)));
    pass(&control_plane.chain(agent).collect::<Vec<_>>());
}

fn alone(is_of_agent: bool) -> impl Iterator<Item = Variant> {
    let of_it = CHOICES.iter().filter(move |open| matches!(open.reach, Reach::Agent(_)) == is_of_agent);
    of_it.map(|open| Variant { seed: None, choices: vec![open.choice], reach: open.reach })
}

/// Choices of the control plane, or with those of the agent.
fn combination(seed: u64, with_agent: bool, reach: Reach) -> Variant {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut open: Vec<Choice> = CHOICES
        .iter()
        .filter(|open| match with_agent {
            true => !WITHOUT_AGENT.contains(&open.choice),
            false => !matches!(open.reach, Reach::Agent(_)),
        })
        .map(|open| open.choice)
        .collect();
    let mut choices: Vec<Choice> = Vec::new();
    while choices.len() < COMBINED && !open.is_empty() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let at = usize::try_from(state % open.len() as u64).unwrap();
        let choice = open.swap_remove(at);
        let clashes =
            |group: &&[Choice]| group.contains(&choice) && choices.iter().any(|made| group.contains(made));
        if !APART.iter().any(clashes) {
            choices.push(choice);
        }
    }
    Variant { seed: Some(seed), choices, reach }
}

/// Judges every variant, several at a time.
fn pass(variants: &[Variant]) {
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(variant) = variants.get(next.fetch_add(1, Ordering::Relaxed)) {
                    failures.lock().unwrap().extend(failure(variant));
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} variants fail:\n\n{}", failures.len(), failures.join("\n\n"));
}

/// What is wrong with the kit's judgement of this variant.
fn failure(variant: &Variant) -> Option<String> {
    let nature = Nature::choosing(&variant.choices);
    let implementation = Implementation::start(nature, Pace::near(), Protocol::Closing);
    let judgement = judge_within(&implementation, variant.reach);
    let is_right = judgement.code == 0
        && judgement.statements("violated").is_empty()
        && judgement.subtests("fail").is_empty()
        && judgement.subtests("error").is_empty();
    (!is_right).then(|| format!("{}\n{}", described(variant), reasons(&judgement)))
}

fn described(variant: &Variant) -> String {
    let of = |choice: &Choice| CHOICES.iter().find(|open| open.choice == *choice).unwrap();
    let lines = variant.choices.iter().map(of).map(|open| {
        format!("{:?}: {}\n  allowed by {}: “{}”", open.choice, open.what, open.document, open.words)
    });
    let seed = variant.seed.map(|seed| format!("seed {seed}"));
    seed.into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// Why sub-tests failed, or everything that the program printed if none did.
fn reasons(judgement: &Run) -> String {
    let unfit = judgement.subtests("fail").into_iter().chain(judgement.subtests("error"));
    let lines: Vec<String> =
        unfit.map(|subtest| format!("  {subtest}: {}", judgement.reason(&subtest))).collect();
    if lines.is_empty() { judgement.to_string() } else { lines.join("\n") }
}
