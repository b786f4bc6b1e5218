//! Name prefixes on a shared target, which identify the run and the sub-test. They are short because agents' tables
//! truncate long names.

use rand::RngExt as _;

/// Letters and digits without those that look alike.
const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
const DIGITS: &[u8] = b"23456789";
/// Two letters distinguish 1,024 sub-tests.
const MIN_SUBTEST_LEN: usize = 2;

/// Returns a random id for a run, such as `k7xm`. The second character is a digit, so that an id is never a word.
pub fn new_id() -> String {
    let mut random = rand::rng();
    let mut pick =
        |from: &[u8]| from.get(random.random_range(0..from.len())).map(|letter| char::from(*letter));
    let first = LETTERS.get(..LETTERS.len() - DIGITS.len()).unwrap_or(LETTERS);
    [pick(first), pick(DIGITS), pick(LETTERS), pick(LETTERS)].into_iter().flatten().collect()
}

/// Returns the prefix of a sub-test's names, such as `k7xmab-`.
pub(super) fn prefix(id: &str, subtest: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = subtest;
    while rest > 0 || letters.len() < MIN_SUBTEST_LEN {
        letters.extend(LETTERS.get(rest % LETTERS.len()).map(|letter| char::from(*letter)));
        rest /= LETTERS.len();
    }
    let letters: String = letters.into_iter().rev().collect();
    format!("{id}{letters}-")
}

/// Returns the name of the auth key that a preflight creates: with a prefix of the run, and none of its sub-tests'.
pub fn preflight_key(id: &str) -> String {
    format!("{id}pref-preflight")
}

/// Whether the name has a prefix of that run.
pub(super) fn is_of(name: &str, id: &str) -> bool {
    let subtest = name.strip_prefix(id).and_then(|rest| rest.split_once('-'));
    subtest.is_some_and(|(subtest, _)| {
        (MIN_SUBTEST_LEN..=4).contains(&subtest.len())
            && subtest.bytes().all(|letter| LETTERS.contains(&letter))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_belong_to_exactly_one_run() {
        let prefixes: Vec<String> = [0, 1, 31, 32, 1023, 1024].map(|subtest| prefix("k7xm", subtest)).into();
        assert_eq!(prefixes, ["k7xmaa-", "k7xmab-", "k7xma9-", "k7xmba-", "k7xm99-", "k7xmbaa-"]);
        assert!(prefixes.iter().all(|prefix| is_of(&format!("{prefix}Linux-C"), "k7xm")));
        for foreign in ["k7xm", "k7xm-db", "k7xma-db", "k7xmAB-db", "k7xmabcde-db", "prod-db", "", "k7xmaa"] {
            assert!(!is_of(foreign, "k7xm"), "{foreign}");
        }
        assert!(is_of(&preflight_key("k7xm"), "k7xm"));
        let id = new_id();
        assert!(id.len() == 4 && id.as_bytes()[0].is_ascii_lowercase() && id.as_bytes()[1].is_ascii_digit());
    }
}
