//! Judges what the kit's WireGuard peer observed.

use std::time::Duration;

use super::evidence::WireResult;
use super::finding::Finding;

pub(super) fn handshake(expected: bool, result: &WireResult) -> Finding {
    judge("handshake", expected, result.handshake, result)
}

pub(super) fn pong(expected: bool, result: &WireResult) -> Finding {
    judge("ping through the tunnel", expected, result.pong, result)
}

/// Silence only counts as correct if the peer tried to reach the machine.
fn judge(label: &str, expected: bool, happened: Option<Duration>, result: &WireResult) -> Finding {
    let words = |answered| if answered { "an answer" } else { "no answer" };
    let actual = match (happened, &result.not_attempted) {
        (Some(after), _) => format!("an answer after {after:.1?}"),
        (None, Some(reason)) if !expected => {
            return Finding::unknown(label, format!("{label} was not attempted: {reason}"));
        }
        (None, Some(reason)) => format!("no attempt: {reason}"),
        (None, None) => {
            let last = result.seen.last().map_or_else(String::new, |line| format!("; last event: {line}"));
            format!("no answer within {:.1?}{last}", result.took)
        }
    };
    Finding::new(happened.is_some() == expected, label, words(expected).to_owned(), actual)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Judgement;
    use super::*;

    #[test]
    fn silence_counts_only_after_an_attempt() {
        let after = Some(Duration::from_millis(3));
        let not_attempted = || Some("the network map does not name it".to_owned());
        for (expected, happened, not_attempted, judgement) in [
            (true, after, None, Judgement::Met),
            (true, None, None, Judgement::Unmet),
            (true, None, not_attempted(), Judgement::Unmet),
            (false, None, None, Judgement::Met),
            (false, after, None, Judgement::Unmet),
            (false, None, not_attempted(), Judgement::Unknown),
        ] {
            let result =
                WireResult { handshake: happened, pong: happened, not_attempted, ..Default::default() };
            for finding in [handshake(expected, &result), pong(expected, &result)] {
                assert_eq!(finding.judgement, judgement, "{expected} {result:?}: {:?}", finding.message);
            }
        }
    }
}
