//! What passed a layer that bends nothing, so that a deviation can be asked what it would have bent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::deviation::{Asked, Deviation, Memory, Told};
use crate::front::Sessions;

/// The traffic of one control plane.
#[derive(Debug, Clone, Default)]
pub struct Tape(Arc<Mutex<Vec<Passed>>>);

#[derive(Debug)]
pub(super) enum Passed {
    /// It began, with these people's sessions.
    Beginning(Sessions),
    /// An exchange; an answer that is no JSON is none.
    Exchange { asked: Box<Asked>, told: Option<Told>, is_forwarded: bool },
    /// The clock moved on.
    Time { by: Duration, sessions: Sessions },
}

impl Tape {
    pub(super) fn record(&self, passed: Passed) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(passed);
    }

    /// Whether the deviation would have bent a request or an answer of these, or sent one of its own. What depends
    /// on requests at the same moment is not seen.
    pub fn fires(&self, deviation: &Deviation) -> bool {
        let tape = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = Memory::default();
        tape.iter().any(|passed| match passed {
            Passed::Beginning(sessions) => {
                memory = Memory::of(sessions.clone());
                false
            }
            Passed::Time { by, sessions } => {
                memory.time_passed(*by, sessions.clone());
                !(deviation.later)(&mut memory).is_empty()
            }
            Passed::Exchange { asked, told, is_forwarded } => {
                (deviation.trusts_every_proxy && *is_forwarded)
                    || bends(deviation, asked, told.as_ref(), &mut memory)
            }
        })
    }
}

fn bends(deviation: &Deviation, asked: &Asked, told: Option<&Told>, memory: &mut Memory) -> bool {
    let mut bent = asked.clone();
    if !(deviation.before)(asked, memory).is_empty()
        || (deviation.ask)(&mut bent, memory).is_some()
        || bent != *asked
    {
        return true;
    }
    let Some(told) = told else { return false };
    memory.learn(asked, told);
    let mut bent = told.clone();
    (deviation.tell)(asked, &mut bent, memory);
    bent != *told || !(deviation.after)(asked, told, memory).is_empty()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::families;

    #[test]
    fn a_deviation_is_asked_what_it_would_have_bent() {
        let registration = json!({ "auth_key": "tskey-auth-k", "name": "m" });
        let asked = Asked::post("/api/register-machine", None, registration);
        let told = Told::refusal(401, "INVALID_KEY", "Invalid auth key");
        let tape = Tape::default();
        tape.record(Passed::Beginning(Sessions::new()));
        tape.record(Passed::Exchange { asked: Box::new(asked), told: Some(told), is_forwarded: true });
        let cases = [
            ("invalid-key-is-not-found", true),
            ("registration-needs-session", true),
            ("forwarded-for-believed", true),
            ("created-is-200", false),
            ("rate-not-enforced", false),
        ];
        for (id, expected) in cases {
            let (_, deviation) = families::named(id).unwrap_or_else(|| panic!("{id}"));
            assert_eq!(tape.fires(&deviation), expected, "{id}");
        }
    }
}
