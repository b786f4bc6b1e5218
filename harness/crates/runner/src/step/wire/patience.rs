//! How long a machine's answers are waited for.

use std::time::Duration;

use harness_model::scenario::model::AwaitedAnswers;

/// The time limit of an answer that is expected.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
/// How many times as long as its slowest reply so far a machine must be silent: a busy host slows both down.
const SLOWEST_REPLIES: u32 = 10;
/// The longest that a slow machine lengthens the silence to.
const MAX_STRETCHED_SILENCE: Duration = Duration::from_secs(1);

/// The times after which an answer counts as missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    /// From the beginning to the handshake, or to the reply if only that is missing.
    pub(super) limit: Duration,
    /// From the handshake to the reply, if none is expected.
    pub(super) after_handshake: Option<Duration>,
}

impl Patience {
    /// `chosen` is the scenario's time limit, `silence` the target's, and `slowest_reply` what the peer has seen so far.
    pub(super) fn new(
        chosen: Option<Duration>,
        awaited: AwaitedAnswers,
        silence: Duration,
        slowest_reply: Duration,
    ) -> Self {
        let stretched = (slowest_reply * SLOWEST_REPLIES).min(MAX_STRETCHED_SILENCE);
        let silence = silence.max(stretched);
        let answer_limit = chosen.unwrap_or(ANSWER_LIMIT);
        let AwaitedAnswers { handshake, pong } = awaited;
        Self {
            limit: if handshake { answer_limit } else { chosen.unwrap_or(silence) },
            after_handshake: (!pong).then(|| if handshake { silence } else { chosen.unwrap_or(silence) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_the_targets_and_longer_if_its_replies_are_slow() {
        let ms = Duration::from_millis;
        let long = Duration::from_secs(15);
        for (chosen, awaited, slowest_reply, limit, after_handshake) in [
            (None, (true, true), 2, long, None),
            (None, (false, false), 2, ms(300), Some(ms(300))),
            (None, (true, false), 2, long, Some(ms(300))),
            (None, (false, false), 80, ms(800), Some(ms(800))),
            (None, (true, false), 5000, long, Some(ms(1000))),
            (Some(ms(50)), (false, false), 80, ms(50), Some(ms(50))),
            (Some(ms(900)), (true, false), 2, ms(900), Some(ms(300))),
            (Some(ms(50)), (true, true), 80, ms(50), None),
        ] {
            let (handshake, pong) = awaited;
            let awaited = AwaitedAnswers { handshake, pong };
            let patience = Patience::new(chosen, awaited, ms(300), ms(slowest_reply));
            assert_eq!(
                patience,
                Patience { limit, after_handshake },
                "{chosen:?} {awaited:?} {slowest_reply}"
            );
        }
        // What a profile says is never shortened.
        let silent = AwaitedAnswers { handshake: false, pong: false };
        assert_eq!(Patience::new(None, silent, 3 * ms(1000), ms(400)).limit, ms(3000));
    }
}
