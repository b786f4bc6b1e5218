//! What a WireGuard peer of the kit's own saw against what was expected of the machine.

use std::time::Duration;

use super::evidence::WireResult;
use super::finding::Finding;

/// Whether a handshake was completed.
pub(super) fn handshake(wanted: bool, result: &WireResult) -> Finding {
    judge("the handshake", wanted, result.handshake, result)
}

/// Whether the machine's own address answered a ping.
pub(super) fn pong(wanted: bool, result: &WireResult) -> Finding {
    judge("the ping through the tunnel", wanted, result.pong, result)
}

/// Silence speaks for a machine that should be silent only if it was spoken to.
fn judge(place: &str, wanted: bool, happened: Option<Duration>, result: &WireResult) -> Finding {
    let words = |answered| if answered { "answered" } else { "not answered" };
    let actual = match (happened, &result.untried) {
        (Some(after), _) => format!("answered after {after:.1?}"),
        (None, Some(reason)) if !wanted => {
            return Finding::unknown(place, format!("{place} was not tried: {reason}"));
        }
        (None, Some(reason)) => format!("not tried: {reason}"),
        (None, None) => {
            let last = result.seen.last().map_or_else(String::new, |line| format!("; at last: {line}"));
            format!("not answered within {:.1?}{last}", result.took)
        }
    };
    Finding::new(happened.is_some() == wanted, place, words(wanted).to_owned(), actual)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Held;
    use super::*;

    #[test]
    fn silence_counts_only_where_something_was_asked() {
        let after = Some(Duration::from_millis(3));
        let untried = || Some("the network map does not name it".to_owned());
        for (wanted, happened, untried, held) in [
            (true, after, None, Held::Yes),
            (true, None, None, Held::No),
            (true, None, untried(), Held::No),
            (false, None, None, Held::Yes),
            (false, after, None, Held::No),
            (false, None, untried(), Held::Unknown),
        ] {
            let result = WireResult { handshake: happened, pong: happened, untried, ..Default::default() };
            for finding in [handshake(wanted, &result), pong(wanted, &result)] {
                assert_eq!(finding.held, held, "{wanted} {result:?}: {}", finding.message);
            }
        }
    }
}
