//! Interprets the answers to heartbeats.

use std::time::Duration;

use crate::control_client::{Backoff, ControlError, Machine};
use crate::local_socket::Phase;

/// Interval of heartbeats while the machine awaits approval, unless the normal interval is shorter.
const PENDING_INTERVAL: Duration = Duration::from_secs(5);

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
        let interval = interval.max(Duration::from_millis(10));
        let backoff = Backoff::up_to(interval);
        Self { interval, phase: Phase::Starting, awaiting_approval: false, failures: 0, backoff }
    }

    /// Processes one answer; `jitter` is uniform in 0.0..1.0.
    pub(super) fn on_response(
        &mut self,
        answer: Result<Machine, ControlError>,
        jitter: f64,
    ) -> HeartbeatOutcome {
        match answer {
            Err(error) if error.is_unauthorized() => {
                HeartbeatOutcome { phase: self.phase, notice: None, next: None }
            }
            Err(error) if error.has_code("QUARANTINED") => self.quarantined(),
            Err(error) => self.failed(&error, jitter),
            Ok(machine) => match machine.status.as_str() {
                "quarantined" => self.quarantined(),
                "pending" => self.pending(),
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

    fn failed(&mut self, error: &ControlError, jitter: f64) -> HeartbeatOutcome {
        let reminder = self.failures.is_multiple_of(REMINDER_AFTER);
        let failures = self.failures.saturating_add(1);
        let next = self.backoff.next_delay(jitter);
        let backoff = self.backoff.clone();
        self.enter(Phase::Unreachable);
        (self.failures, self.backoff) = (failures, backoff);
        self.outcome(
            reminder
                .then(|| Notice::Warning(format!("heartbeat failed: {error}; retrying until it answers"))),
            next,
        )
    }

    /// Enters `phase` and returns the previous one.
    fn enter(&mut self, phase: Phase) -> Phase {
        self.failures = 0;
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
            tailnet_ip: "100.64.0.3".to_owned(),
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
        })
    }

    fn lost() -> Result<Machine, ControlError> {
        Err(ControlError::Unreachable { server: "http://a".to_owned(), cause: "refused".to_owned() })
    }

    /// Checks the phase and a part of the notice that follow from each answer.
    fn assert_course(answers: Vec<(Result<Machine, ControlError>, Phase, Option<&str>)>) {
        let mut state = HeartbeatState::new(Duration::from_secs(30));
        for (step, (answer, phase, notice)) in answers.into_iter().enumerate() {
            let outcome = state.on_response(answer, 0.0);
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
            (status("online"), Phase::Online, Some("approved")),
            (status("online"), Phase::Online, None),
        ]);
    }

    #[test]
    fn intervals_depend_on_the_phase() {
        let mut state = HeartbeatState::new(Duration::from_secs(30));
        let mut wait = |answer| state.on_response(answer, 0.0).next.map(|wait| wait.as_millis());
        assert_eq!(wait(status("online")), Some(30_000));
        assert_eq!(wait(status("pending")), Some(5000));
        assert_eq!([wait(lost()), wait(lost()), wait(lost())], [Some(500), Some(1000), Some(2000)]);
        assert_eq!(wait(status("online")), Some(30_000));
        assert_eq!(wait(lost()), Some(500));
        assert_eq!(wait(refused(401, "UNAUTHORIZED")), None);
        assert!(
            HeartbeatState::new(Duration::ZERO).on_response(status("online"), 0.0).next
                > Some(Duration::ZERO)
        );
    }

    #[test]
    fn long_outage_is_reported_rarely() {
        let mut state = HeartbeatState::new(Duration::from_secs(30));
        let reported = (0..41).filter(|_| state.on_response(lost(), 0.0).notice.is_some()).count();
        assert_eq!(reported, 3);
    }
}
