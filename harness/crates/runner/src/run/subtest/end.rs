//! The verdict of a sub-test, from how its walk ended and what its checks found.

use std::time::Duration;

use harness_model::event::Fault;
use harness_model::judge::{SubtestEnd, Tally};

use crate::run::setting::RunSettings;
use crate::step::StepError;

/// How the walk through a sub-test's steps ended.
pub(super) enum WalkEnd {
    Complete,
    /// A machine could not be prepared.
    Unprepared(StepError),
    Panicked(String),
    TimedOut,
    Stopped,
}

impl WalkEnd {
    pub(super) fn judge(self, tally: Tally, setting: &RunSettings) -> SubtestEnd {
        let timed_out = matches!(self, Self::TimedOut);
        let mut end = self.verdict(tally, setting.time_limit);
        if timed_out
            && setting.target.is_shared()
            && let Some(reason) = end.reason.as_mut().filter(|_| end.fault.is_some())
        {
            reason.push_str("\nif the target needs more time, raise timeouts.subtest in its profile");
        }
        end
    }

    fn verdict(self, tally: Tally, limit: Duration) -> SubtestEnd {
        match self {
            Self::Panicked(message) => {
                SubtestEnd::error(Fault::Kit, format!("the kit panicked in “{}”: {message}", tally.step))
            }
            Self::Stopped => {
                SubtestEnd::error(Fault::Interruption, format!("interrupted in “{}”", tally.step))
            }
            Self::Unprepared(error) => SubtestEnd::error(error.fault(), error.to_string()),
            Self::TimedOut if tally.failure.is_none() => SubtestEnd::error(
                Fault::Environment,
                format!("timed out after {limit:?} in “{}”", tally.step),
            ),
            Self::TimedOut | Self::Complete => tally.end(),
        }
    }
}

#[cfg(test)]
mod tests {
    use harness_model::event::SubtestVerdict;

    use super::*;

    #[test]
    fn verdicts_attribute_the_fault_correctly() {
        let failure = || Some("wrong".to_owned());
        let error = |fault| Some((fault, "unjudged".to_owned()));
        let tally = |failure, error| Tally { failure, error, step: "a step".to_owned(), ..Tally::default() };
        let cases = [
            (WalkEnd::Complete, tally(None, None), SubtestVerdict::Pass, None),
            (WalkEnd::Complete, tally(failure(), None), SubtestVerdict::Fail, None),
            (WalkEnd::Complete, tally(failure(), error(Fault::Environment)), SubtestVerdict::Fail, None),
            (WalkEnd::Complete, tally(None, error(Fault::Kit)), SubtestVerdict::Error, Some(Fault::Kit)),
            (WalkEnd::TimedOut, tally(None, None), SubtestVerdict::Error, Some(Fault::Environment)),
            (WalkEnd::TimedOut, tally(failure(), None), SubtestVerdict::Fail, None),
            (WalkEnd::Stopped, tally(failure(), None), SubtestVerdict::Error, Some(Fault::Interruption)),
            (
                WalkEnd::Panicked("x".to_owned()),
                tally(failure(), None),
                SubtestVerdict::Error,
                Some(Fault::Kit),
            ),
            (
                WalkEnd::Unprepared(StepError::Machine("m".to_owned())),
                tally(None, None),
                SubtestVerdict::Error,
                Some(Fault::Kit),
            ),
        ];
        for (walk_end, tally, verdict, fault) in cases {
            let waived = Tally { waived: failure(), ..tally.clone() };
            let case = format!("{tally:?}");
            let end = walk_end.verdict(tally, Duration::from_secs(1));
            assert_eq!((end.verdict, end.fault), (verdict, fault), "{case}");
            assert_eq!(end.reason.is_none(), verdict == SubtestVerdict::Pass, "{case}");
            if verdict == SubtestVerdict::Pass {
                let end = WalkEnd::Complete.verdict(waived, Duration::from_secs(1));
                assert_eq!((end.verdict, end.reason), (SubtestVerdict::Waived, failure()), "{case}");
            }
        }
    }
}
