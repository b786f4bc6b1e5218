//! What the answers to the heartbeats mean.

use std::time::Duration;

use crate::control_client::{Backoff, ControlError, Machine};
use crate::local_socket::Phase;

/// How soon a machine that waits for an administrator asks again, if heartbeats are not faster anyway.
const WAITING_INTERVAL: Duration = Duration::from_secs(5);

/// After how many lost heartbeats in a row it is said again that the control plane is gone.
const REMINDER: u32 = 20;

/// The machine's condition as the heartbeats so far show it.
#[derive(Debug)]
pub(super) struct Heart {
    interval: Duration,
    phase: Phase,
    /// Waiting for approval even while the control plane is away.
    waiting: bool,
    lost: u32,
    backoff: Backoff,
}

/// What one answer means.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pulse {
    /// The condition.
    pub(super) phase: Phase,
    /// What the person should hear of it.
    pub(super) notice: Option<Notice>,
    /// When to beat again; never, if the control plane does not know the machine any more.
    pub(super) next: Option<Duration>,
}

/// Something worth telling.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// An administrator has to approve the machine.
    Waiting,
    /// One has.
    Approved,
    /// Anything that is not as it should be, and its end.
    Trouble(String),
}

impl Heart {
    /// A heart that has not beaten yet.
    pub(super) fn new(interval: Duration) -> Self {
        // An interval of zero would be a storm.
        let interval = interval.max(Duration::from_millis(10));
        let backoff = Backoff::up_to(interval);
        Self { interval, phase: Phase::Starting, waiting: false, lost: 0, backoff }
    }

    /// Takes in one answer; `jitter` is evenly distributed in 0.0..1.0.
    pub(super) fn feel(&mut self, answer: Result<Machine, ControlError>, jitter: f64) -> Pulse {
        match answer {
            Err(error) if error.is_unauthorized() => Pulse { phase: self.phase, notice: None, next: None },
            Err(error) if error.has_code("QUARANTINED") => self.quarantined(),
            Err(error) => self.unanswered(&error, jitter),
            Ok(machine) => match machine.status.as_str() {
                "quarantined" => self.quarantined(),
                "pending" => self.pending(),
                _ => self.online(),
            },
        }
    }

    fn online(&mut self) -> Pulse {
        let notice = match self.enter(Phase::Online) {
            _ if std::mem::take(&mut self.waiting) => Some(Notice::Approved),
            Phase::Quarantined => Some(Notice::Trouble("the quarantine was lifted".to_owned())),
            Phase::Unreachable => Some(Notice::Trouble("the control plane answers again".to_owned())),
            _ => None,
        };
        self.pulse(notice, self.interval)
    }

    fn pending(&mut self) -> Pulse {
        self.enter(Phase::Pending);
        let notice = (!std::mem::replace(&mut self.waiting, true)).then_some(Notice::Waiting);
        self.pulse(notice, self.interval.min(WAITING_INTERVAL))
    }

    fn quarantined(&mut self) -> Pulse {
        let notice = (self.enter(Phase::Quarantined) != Phase::Quarantined).then(|| {
            Notice::Trouble(
                "an administrator quarantined this machine: no traffic until it is released".to_owned(),
            )
        });
        self.pulse(notice, self.interval)
    }

    fn unanswered(&mut self, error: &ControlError, jitter: f64) -> Pulse {
        let reminder = self.lost.is_multiple_of(REMINDER);
        let lost = self.lost.saturating_add(1);
        let next = self.backoff.next(jitter);
        let backoff = self.backoff.clone();
        self.enter(Phase::Unreachable);
        (self.lost, self.backoff) = (lost, backoff);
        self.pulse(
            reminder
                .then(|| Notice::Trouble(format!("no heartbeat: {error}; trying again until it answers"))),
            next,
        )
    }

    /// The condition before.
    fn enter(&mut self, phase: Phase) -> Phase {
        self.lost = 0;
        self.backoff = Backoff::up_to(self.interval);
        std::mem::replace(&mut self.phase, phase)
    }

    fn pulse(&self, notice: Option<Notice>, next: Duration) -> Pulse {
        Pulse { phase: self.phase, notice, next: Some(next) }
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

    /// Each answer with the phase and the first word of the notice it should give.
    fn course(answers: Vec<(Result<Machine, ControlError>, Phase, Option<&str>)>) {
        let mut heart = Heart::new(Duration::from_secs(30));
        for (step, (answer, phase, notice)) in answers.into_iter().enumerate() {
            let pulse = heart.feel(answer, 0.0);
            let word = pulse.notice.map(|notice| match notice {
                Notice::Waiting => "waiting".to_owned(),
                Notice::Approved => "approved".to_owned(),
                Notice::Trouble(text) => text,
            });
            assert_eq!(pulse.phase, phase, "step {step}");
            match (word, notice) {
                (None, None) => {}
                (Some(word), Some(expected)) => assert!(word.contains(expected), "step {step}: {word}"),
                (word, _) => panic!("step {step}: {word:?}"),
            }
        }
    }

    #[test]
    fn each_change_is_told_once() {
        course(vec![
            (status("online"), Phase::Online, None),
            (lost(), Phase::Unreachable, Some("no heartbeat")),
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
    fn approval_is_awaited_through_an_absence() {
        course(vec![
            (status("pending"), Phase::Pending, Some("waiting")),
            (status("pending"), Phase::Pending, None),
            (lost(), Phase::Unreachable, Some("no heartbeat")),
            (status("pending"), Phase::Pending, None),
            (status("online"), Phase::Online, Some("approved")),
            (status("online"), Phase::Online, None),
        ]);
    }

    #[test]
    fn waits() {
        let mut heart = Heart::new(Duration::from_secs(30));
        let mut wait = |answer| heart.feel(answer, 0.0).next.map(|wait| wait.as_millis());
        assert_eq!(wait(status("online")), Some(30_000));
        assert_eq!(wait(status("pending")), Some(5000));
        assert_eq!([wait(lost()), wait(lost()), wait(lost())], [Some(500), Some(1000), Some(2000)]);
        assert_eq!(wait(status("online")), Some(30_000));
        assert_eq!(wait(lost()), Some(500));
        assert_eq!(wait(refused(401, "UNAUTHORIZED")), None);
        assert!(Heart::new(Duration::ZERO).feel(status("online"), 0.0).next > Some(Duration::ZERO));
    }

    #[test]
    fn a_long_absence_is_told_rarely() {
        let mut heart = Heart::new(Duration::from_secs(30));
        let told = (0..41).filter(|_| heart.feel(lost(), 0.0).notice.is_some()).count();
        assert_eq!(told, 3);
    }
}
