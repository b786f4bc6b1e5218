//! Names on a shared target: they tell the run, and its sub-test. Short, since agents' tables cut long names off.

use rand::RngExt as _;

/// Without letters that look like digits.
const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
const DIGITS: &[u8] = b"23456789";
/// As many letters as tell a thousand sub-tests apart.
const SHORTEST: usize = 2;

/// A new id of a run: `k7xm`. Its second letter is a digit, so that no word is one.
pub fn new_id() -> String {
    let mut random = rand::rng();
    let mut pick =
        |from: &[u8]| from.get(random.random_range(0..from.len())).map(|letter| char::from(*letter));
    let first = LETTERS.get(..LETTERS.len() - DIGITS.len()).unwrap_or(LETTERS);
    [pick(first), pick(DIGITS), pick(LETTERS), pick(LETTERS)].into_iter().flatten().collect()
}

/// What the names of a sub-test begin with: `k7xmab-`.
pub(super) fn prefix(id: &str, subtest: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = subtest;
    while rest > 0 || letters.len() < SHORTEST {
        letters.extend(LETTERS.get(rest % LETTERS.len()).map(|letter| char::from(*letter)));
        rest /= LETTERS.len();
    }
    let letters: String = letters.into_iter().rev().collect();
    format!("{id}{letters}-")
}

/// Whether the name was given by that run.
pub(super) fn is_of(name: &str, id: &str) -> bool {
    let subtest = name.strip_prefix(id).and_then(|rest| rest.split_once('-'));
    subtest.is_some_and(|(subtest, _)| {
        (SHORTEST..=4).contains(&subtest.len()) && subtest.bytes().all(|letter| LETTERS.contains(&letter))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_run_and_no_other() {
        let prefixes: Vec<String> = [0, 1, 31, 32, 1023, 1024].map(|subtest| prefix("k7xm", subtest)).into();
        assert_eq!(prefixes, ["k7xmaa-", "k7xmab-", "k7xma9-", "k7xmba-", "k7xm99-", "k7xmbaa-"]);
        assert!(prefixes.iter().all(|prefix| is_of(&format!("{prefix}Linux-C"), "k7xm")));
        for foreign in ["k7xm", "k7xm-db", "k7xma-db", "k7xmAB-db", "k7xmabcde-db", "prod-db", "", "k7xmaa"] {
            assert!(!is_of(foreign, "k7xm"), "{foreign}");
        }
        let id = new_id();
        assert!(id.len() == 4 && id.as_bytes()[0].is_ascii_lowercase() && id.as_bytes()[1].is_ascii_digit());
    }
}
