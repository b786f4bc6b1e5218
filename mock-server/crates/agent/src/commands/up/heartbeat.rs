//! Interprets the answers to heartbeats.

use std::time::{Duration, Instant};

use crate::control_client::{Backoff, ControlError, Machine};
use crate::local_socket::Phase;

/// Interval of heartbeats while the machine awaits approval, unless the normal interval is shorter.
const PENDING_INTERVAL: Duration = Duration::from_secs(5);

/// Time between the two refusals that end this machine's identity: longer than a control plane or a gateway in front of it
/// takes to restart. It is shorter only for machines that send several heartbeats a second.
const CONFIRMATION_TIME: Duration = Duration::from_secs(10);
const MAX_CONFIRMATION_HEARTBEATS: u32 = 20;

/// The interval of heartbeats that a user can ask for, so that sums of times stay within their range.
const MAX_INTERVAL: Duration = Duration::from_secs(3600);

/// The warning that the control plane is unreachable is repeated after this many failed heartbeats in a row.
const REMINDER_AFTER: u32 = 20;

/// The machine's condition, derived from the answers to its heartbeats so far.
#[derive(Debug)]
pub(super) struct HeartbeatState {
    interval: Duration,
    phase: Phase,
    /// Whether approval is awaited; kept while the control plane is unreachable.
    awaiting_approval: bool,
    failures: u32,
    backoff: Backoff,
    /// When the control plane first said that it does not know this machine.
    disowned: Option<Instant>,
}

/// What follows from one answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HeartbeatOutcome {
    pub(super) phase: Phase,
    /// What to tell the user.
    pub(super) notice: Option<Notice>,
    /// Time until the next heartbeat; `None` if the control plane no longer knows the machine.
    pub(super) next: Option<Duration>,
}

/// A change that the user is reported about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// An administrator must approve the machine.
    Waiting,
    /// An administrator approved the machine.
    Approved,
    /// A problem or its end.
    Warning(String),
}

impl HeartbeatState {
    /// Returns the state before the first heartbeat.
    pub(super) fn new(interval: Duration) -> Self {
        // An interval of zero would flood the control plane.
        let interval = interval.clamp(Duration::from_millis(10), MAX_INTERVAL);
        let backoff = Backoff::up_to(interval);
        Self {
            interval,
            phase: Phase::Starting,
            awaiting_approval: false,
            failures: 0,
            backoff,
            disowned: None,
        }
    }

    /// Processes the answer that came at `now`; `jitter` is uniform in 0.0..1.0.
    pub(super) fn on_response(
        &mut self,
        answer: Result<Machine, ControlError>,
        now: Instant,
        jitter: f64,
    ) -> HeartbeatOutcome {
        match answer {
            Err(error) if error.disowns_credential() => self.disowned(now),
            Err(error) if error.has_code("QUARANTINED") => self.quarantined(),
            Err(error) => self.failed(&error, jitter),
            Ok(machine) => match machine.status.as_str() {
                "quarantined" => self.quarantined(),
                "pending" => self.pending(),
                "online" | "offline" => self.online(),
                // A word that is not known approves nothing.
                _ if self.awaiting_approval => self.pending(),
                _ => self.online(),
            },
        }
    }

    fn online(&mut self) -> HeartbeatOutcome {
        let notice = match self.enter(Phase::Online) {
            _ if std::mem::take(&mut self.awaiting_approval) => Some(Notice::Approved),
            Phase::Quarantined => Some(Notice::Warning("the quarantine was lifted".to_owned())),
            Phase::Unreachable => Some(Notice::Warning("the control plane answers again".to_owned())),
            _ => None,
        };
        self.outcome(notice, self.interval)
    }

    fn pending(&mut self) -> HeartbeatOutcome {
        self.enter(Phase::Pending);
        let notice = (!std::mem::replace(&mut self.awaiting_approval, true)).then_some(Notice::Waiting);
        self.outcome(notice, self.interval.min(PENDING_INTERVAL))
    }

    fn quarantined(&mut self) -> HeartbeatOutcome {
        let notice = (self.enter(Phase::Quarantined) != Phase::Quarantined).then(|| {
            Notice::Warning(
                "an administrator quarantined this machine: no traffic until it is released".to_owned(),
            )
        });
        self.outcome(notice, self.interval)
    }

    /// Believes the second refusal of this kind, some time after the first, without a better answer between.
    fn disowned(&mut self, now: Instant) -> HeartbeatOutcome {
        let first = self.disowned;
        let since = first.unwrap_or(now);
        let confirmation_time = CONFIRMATION_TIME.min(self.interval * MAX_CONFIRMATION_HEARTBEATS);
        let left = confirmation_time.saturating_sub(now.saturating_duration_since(since));
        if first.is_some() && left.is_zero() {
            return HeartbeatOutcome { phase: self.phase, notice: None, next: None };
        }
        let notice = first.is_none().then(|| {
            Notice::Warning(
                "the control plane says that it does not know this machine; asking again before believing it"
                    .to_owned(),
            )
        });
        self.enter(Phase::Unreachable);
        self.disowned = Some(since);
        self.outcome(notice, left)
    }

    fn failed(&mut self, error: &ControlError, jitter: f64) -> HeartbeatOutcome {
        let reminder = self.failures.is_multiple_of(REMINDER_AFTER);
        let failures = self.failures.saturating_add(1);
        let next = self.backoff.next_delay(jitter);
        let (backoff, disowned) = (self.backoff.clone(), self.disowned);
        self.enter(Phase::Unreachable);
        (self.failures, self.backoff, self.disowned) = (failures, backoff, disowned);
        self.outcome(
            reminder
                .then(|| Notice::Warning(format!("heartbeat failed: {error}; retrying until it answers"))),
            next,
        )
    }

    /// Enters `phase` and returns the previous one.
    fn enter(&mut self, phase: Phase) -> Phase {
        self.failures = 0;
        self.disowned = None;
        self.backoff = Backoff::up_to(self.interval);
        std::mem::replace(&mut self.phase, phase)
    }

    fn outcome(&self, notice: Option<Notice>, next: Duration) -> HeartbeatOutcome {
        HeartbeatOutcome { phase: self.phase, notice, next: Some(next) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: &str) -> Result<Machine, ControlError> {
        Ok(Machine {
            id: "id".to_owned(),
            name: "Linux-C".to_owned(),
            tailnet_ip: [100, 64, 0, 3].into(),
            status: status.to_owned(),
            tags: Vec::new(),
        })
    }

    fn refused(status: u16, code: &str) -> Result<Machine, ControlError> {
        Err(ControlError::Refused {
            status,
            code: code.to_owned(),
            message: String::new(),
            retry_after: None,
            in_envelope: true,
        })
    }

    fn lost() -> Result<Machine, ControlError> {
        Err(ControlError::Unreachable { server: "http://a".to_owned(), cause: "refused".to_owned() })
    }

    /// Checks the phase and a part of the notice that follow from each answer.
    fn assert_course(answers: Vec<(Result<Machine, ControlError>, Phase, Option<&str>)>) {
        let mut state = HeartbeatState::new(Duration::from_secs(30));
        for (step, (answer, phase, notice)) in answers.into_iter().enumerate() {
            let outcome = state.on_response(answer, Instant::now(), 0.0);
            let word = outcome.notice.map(|notice| match notice {
                Notice::Waiting => "waiting".to_owned(),
                Notice::Approved => "approved".to_owned(),
                Notice::Warning(text) => text,
            });
            assert_eq!(outcome.phase, phase, "step {step}");
            match (word, notice) {
                (None, None) => {}
                (Some(word), Some(expected)) => assert!(word.contains(expected), "step {step}: {word}"),
                (word, _) => panic!("step {step}: {word:?}"),
            }
        }
    }

    #[test]
    fn each_change_is_reported_once() {
        assert_course(vec![
            (status("online"), Phase::Online, None),
            (lost(), Phase::Unreachable, Some("heartbeat failed")),
            (lost(), Phase::Unreachable, None),
            (refused(503, "UNAVAILABLE"), Phase::Unreachable, None),
            (status("online"), Phase::Online, Some("answers again")),
            (refused(403, "QUARANTINED"), Phase::Quarantined, Some("quarantined this machine")),
            (status("quarantined"), Phase::Quarantined, None),
            (status("online"), Phase::Online, Some("lifted")),
            (status("online"), Phase::Online, None),
        ]);
    }

    #[test]
    fn approval_is_awaited_through_an_outage() {
        assert_course(vec![
            (status("pending"), Phase::Pending, Some("waiting")),
            (status("pending"), Phase::Pending, None),
            (lost(), Phase::Unreachable, Some("heartbeat failed")),
            (status("pending"), Phase::Pending, None),
            (status("Pending"), Phase::Pending, None),
            (status("suspended"), Phase::Pending, None),
            (status(""), Phase::Pending, None),
            (status("online"), Phase::Online, Some("approved")),
            (status("active"), Phase::Online, None),
            (status("online"), Phase::Online, None),
        ]);
    }

    /// What ends the identity after these answers, each so many seconds after the first: the number of the answer.
    fn ends_at(answers: Vec<(u64, Result<Machine, ControlError>)>) -> Option<usize> {
        let start = Instant::now();
        let mut state = HeartbeatState::new(Duration::from_secs(30));
        answers.into_iter().position(|(seconds, answer)| {
            let now = start + Duration::from_secs(seconds);
            state.on_response(answer, now, 0.0).next.is_none()
        })
    }

    #[test]
    fn identity_ends_with_the_second_refusal_some_time_after_the_first() {
        let disowned = || refused(401, "UNAUTHORIZED");
        for (answers, expected) in [
            (vec![(0, disowned()), (10, disowned())], Some(1)),
            (vec![(0, disowned()), (1, disowned()), (9, disowned()), (10, disowned())], Some(3)),
            (vec![(0, disowned()), (5, lost()), (10, disowned())], Some(2)),
            (vec![(0, disowned()), (5, status("online")), (10, disowned()), (19, disowned())], None),
            (vec![(0, disowned()), (5, refused(403, "QUARANTINED")), (10, disowned())], None),
            (
                vec![(0, disowned()), (3600, refused(503, "UNAVAILABLE")), (7200, refused(401, "KEY_USED"))],
                None,
            ),
        ] {
            assert_eq!(ends_at(answers.clone()), expected, "{answers:?}");
        }
        for (interval, confirmation_time) in [(30_000, 10_000), (500, 10_000), (50, 1000)] {
            let mut state = HeartbeatState::new(Duration::from_millis(interval));
            let first = state.on_response(disowned(), Instant::now(), 0.0);
            let next = Some(Duration::from_millis(confirmation_time));
            assert_eq!((first.phase, first.next), (Phase::Unreachable, next), "{interval}");
            assert!(matches!(first.notice, Some(Notice::Warning(text)) if text.contains("asking again")));
        }
    }

    #[test]
    fn no_answer_of_a_gateway_ends_the_identity() {
        let gateway = |status, code: &str| {
            let (code, message) = (code.to_owned(), String::new());
            Err(ControlError::Refused { status, code, message, retry_after: None, in_envelope: false })
        };
        let page = |status| {
            let (server, path, cause) = (String::new(), String::new(), "no error code".to_owned());
            Err(ControlError::Unexpected { server, path, status, cause })
        };
        for answer in [
            gateway(401, "Unauthorized"),
            gateway(401, "UNAUTHORIZED"),
            gateway(401, "invalid_token"),
            refused(401, "INVALID_KEY"),
            refused(403, "UNAUTHORIZED"),
            refused(403, "FORBIDDEN"),
            refused(404, "NOT_FOUND"),
            refused(410, "UNAUTHORIZED"),
            page(200),
            page(302),
            page(401),
            page(403),
            page(404),
            page(407),
            page(410),
            page(511),
            lost(),
        ] {
            let mut state = HeartbeatState::new(Duration::from_secs(30));
            let start = Instant::now();
            for seconds in (0..7200).step_by(30) {
                let outcome = state.on_response(answer.clone(), start + Duration::from_secs(seconds), 0.0);
                assert!(outcome.next.is_some_and(|wait| wait <= Duration::from_secs(30)), "{answer:?}");
                assert_eq!(outcome.phase, Phase::Unreachable, "{answer:?}");
            }
        }
    }

    #[test]
    fn intervals_depend_on_the_phase() {
        let mut state = HeartbeatState::new(Duration::from_secs(30));
        let mut wait =
            |answer| state.on_response(answer, Instant::now(), 0.0).next.map(|wait| wait.as_millis());
        assert_eq!(wait(status("online")), Some(30_000));
        assert_eq!(wait(status("pending")), Some(5000));
        assert_eq!([wait(lost()), wait(lost()), wait(lost())], [Some(500), Some(1000), Some(2000)]);
        assert_eq!(wait(status("online")), Some(30_000));
        assert_eq!(wait(lost()), Some(500));
        for (interval, expected) in
            [(Duration::ZERO, Duration::from_millis(10)), (Duration::MAX, MAX_INTERVAL)]
        {
            let outcome = HeartbeatState::new(interval).on_response(status("online"), Instant::now(), 0.0);
            assert_eq!(outcome.next, Some(expected));
        }
    }

    #[test]
    fn long_outage_is_reported_rarely() {
        let mut state = HeartbeatState::new(Duration::from_secs(30));
        let reported =
            (0..41).filter(|_| state.on_response(lost(), Instant::now(), 0.0).notice.is_some()).count();
        assert_eq!(reported, 3);
    }
}
