//! What a preflight found.

use harness_model::scenario::model::{Identity, identity_name};
use harness_model::source::diagnostic::{Diagnostic, Severity};

use crate::targets::profile::{Profile, ProfileNotes};

/// One thing that was examined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was examined, such as "session of `admin`".
    pub subject: String,
    pub state: State,
}

/// The result of an examination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is as it should be; with what was seen.
    Right(String),
    /// It was not decided, and the sub-tests judge it.
    Open {
        reason: String,
        /// What the profile's author may want to check: the profile's key, and what to do.
        remedy: Option<(String, String)>,
    },
    /// The profile is wrong: nothing that needs the key can be judged.
    Wrong {
        /// The profile's key, such as `tokens.admin`.
        key: String,
        problem: String,
        remedy: String,
    },
}

impl Finding {
    pub(super) fn of_session(identity: Identity, state: State) -> Self {
        Self { subject: format!("session of `{}`", identity_name(identity)), state }
    }
}

impl State {
    /// Returns a mistake from an error message, whose lines after the first are the way out.
    pub(in crate::targets) fn wrong(key: impl Into<String>, message: &str) -> Self {
        let (problem, remedy) = message.split_once('\n').unwrap_or((message, ""));
        Self::Wrong { key: key.into(), problem: problem.to_owned(), remedy: remedy.to_owned() }
    }

    pub(super) fn open(reason: impl Into<String>) -> Self {
        Self::Open { reason: reason.into(), remedy: None }
    }
}

/// Returns the mistakes and what may be worth checking, at their places in the profile.
pub(in crate::targets) fn notes(profile: &Profile, findings: &[Finding]) -> ProfileNotes {
    let diagnostics = findings.iter().filter_map(|finding| match &finding.state {
        State::Right(_) | State::Open { remedy: None, .. } => None,
        State::Open { reason, remedy: Some((key, remedy)) } => {
            let message = format!("{}: {reason}", finding.subject);
            let noted = profile.error(key, message, remedy.clone());
            Some(Diagnostic { severity: Severity::Warning, ..noted })
        }
        State::Wrong { key, problem, remedy } => {
            let noted = profile.error(key, problem.clone(), remedy.clone());
            Some(Diagnostic { help: Some(remedy.clone()).filter(|remedy| !remedy.is_empty()), ..noted })
        }
    });
    ProfileNotes { diagnostics: diagnostics.collect(), sources: profile.sources() }
}

/// Returns the finding that nobody can create a key.
pub(in crate::targets) fn without_admin(profile: &Profile) -> Finding {
    let state = State::Wrong {
        key: "tokens".to_owned(),
        problem: "tokens.admin is not set, and the selected sub-tests need an admin's session".to_owned(),
        remedy: format!("add admin = {{ env = \"VARIABLE\" }} to [tokens] in {}", profile.place("tokens")),
    };
    Finding::of_session(Identity::Admin, state)
}
