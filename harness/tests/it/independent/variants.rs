//! Whatever the documents leave open may be chosen in either way: each choice alone passes, and so do several together.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::independent::choices::{CHOICES, CREATION, Choice, Reach};
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
    &[Choice::OtherWords, Choice::ActionIsAFlag],
    &[Choice::ListAsksForColumns, Choice::ExpiryInLocalTime, Choice::GuideTable],
];

/// What makes much unjudged hides what others do.
const LACKING: &[Choice] = &[
    Choice::ResponsesWithoutDate,
    Choice::NoMachinesTable,
    Choice::NoMachineAdmin,
    Choice::NoApiKeyRevocation,
    Choice::NoOrganisations,
    Choice::NoHeartbeats,
    Choice::ClaimsRefused,
];

/// Each seed is one order of the choices, which are then made some at a time.
const SEEDS: [u64; 1] = [1];
const AT_A_TIME: usize = 8;
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
#[ignore = "takes a minute"]
fn each_choice_of_the_control_plane_passes() {
    let together =
        TOGETHER.iter().map(|choices| Variant { seed: None, choices: choices.to_vec(), reach: CREATION });
    pass(&alone(false).chain(together).collect::<Vec<_>>());
}

#[test]
#[ignore = "takes a minute"]
fn each_choice_of_the_agent_passes() {
    pass(&alone(true).collect::<Vec<_>>());
}

#[test]
#[ignore = "takes half a minute"]
fn random_choices_together_pass() {
    let mut variants = Vec::new();
    for seed in SEEDS {
        let of = |is_of_agent| alone(is_of_agent).map(|variant| variant.choices[0]).collect();
        variants.extend(combined(seed, of(false), Reach::ControlPlane));
        variants.extend(combined(seed, of(true), Reach::Agent(AGENT_SUBTESTS)));
    }
    pass(&variants);
}

fn alone(is_of_agent: bool) -> impl Iterator<Item = Variant> {
    let of_it = CHOICES.iter().filter(move |open| matches!(open.reach, Reach::Agent(_)) == is_of_agent);
    of_it.map(|open| Variant { seed: None, choices: vec![open.choice], reach: open.reach })
}

/// All these choices, some at a time, in a random order.
fn combined(seed: u64, mut choices: Vec<Choice>, reach: Reach) -> Vec<Variant> {
    choices.retain(|choice| !LACKING.contains(choice));
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut groups: Vec<Vec<Choice>> = Vec::new();
    while !choices.is_empty() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let choice = choices.swap_remove(usize::try_from(state % choices.len() as u64).unwrap());
        let fits = |group: &&mut Vec<Choice>| {
            let is_apart =
                |apart: &&[Choice]| apart.contains(&choice) && group.iter().any(|made| apart.contains(made));
            group.len() < AT_A_TIME && !APART.iter().any(is_apart)
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(choice),
            None => groups.push(vec![choice]),
        }
    }
    groups.into_iter().map(|choices| Variant { seed: Some(seed), choices, reach }).collect()
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
