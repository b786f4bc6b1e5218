//! Why a step could not be carried out.

use std::time::Duration;

use harness_model::judge::NotExecuted;
use harness_model::scenario::template::TemplateError;
use harness_model::verdict::Fault;

use crate::browser::BrowserError;
use crate::exchange::ExchangeError;
use crate::targets::TargetError;
use crate::targets::forward::ForwardError;

/// Why a step could not be carried out. None of these is evidence for or against the target's conformance.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A variable has no value, or a template is invalid.
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    #[error(transparent)]
    Forward(#[from] ForwardError),
    /// The step describes a request that HTTP cannot express.
    #[error("invalid request: {0}")]
    Request(String),
    /// The step names a machine that the scenario does not declare.
    #[error("undeclared machine `{0}`\nadd it to `machines`")]
    Machine(String),
    /// The agent's program did not start.
    #[error("failed to start `{program}` on {machine}: {cause}\ncheck the agent's command")]
    Start { program: String, machine: String, cause: std::io::Error },
    /// A machine could not be brought into the state that the scenario declares.
    #[error("failed to prepare {machine}: {cause}")]
    Preparation { machine: String, cause: String },
    /// The control plane breaks the contract of the capability `wire`.
    #[error("WireGuard peer {peer}: {cause}")]
    Wire { peer: String, cause: String },
    /// The browser could not be used.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// The target's reads lag longer than its profile says.
    #[error(
        "{what} was listed {} after it was made, which is more than timeouts.settle = {limit:?}\nraise timeouts.settle in the profile",
        humantime::format_duration(Duration::from_millis(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX)))
    )]
    Lag { what: String, lag: Duration, limit: Duration },
    /// An earlier step of the sub-test could not be carried out.
    #[error("not judged: “{step}” could not be carried out: {cause}")]
    Earlier { step: String, cause: String },
    /// An operation on this host failed, such as creating a folder or opening a socket.
    #[error("{what}: {cause}")]
    Local {
        /// What failed, such as "failed to write line.sh".
        what: String,
        cause: std::io::Error,
    },
}

impl StepError {
    /// Returns where the fault lies.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Template(_) | Self::Machine(_) => Fault::Kit,
            Self::Exchange(error) | Self::Target(TargetError::Exchange(error)) => error.fault(),
            // Scenarios are validated: only a value that the target gave makes a request that HTTP cannot express.
            Self::Request(_)
            | Self::Target(_)
            | Self::Forward(_)
            | Self::Start { .. }
            | Self::Preparation { .. }
            | Self::Wire { .. }
            | Self::Browser(_)
            | Self::Lag { .. }
            | Self::Earlier { .. }
            | Self::Local { .. } => Fault::Environment,
        }
    }
}

impl From<StepError> for NotExecuted {
    fn from(error: StepError) -> Self {
        let missing = match &error {
            StepError::Template(TemplateError::Missing { name, .. }) => Some(name.clone()),
            _ => None,
        };
        let was_skipped = matches!(error, StepError::Earlier { .. });
        Self {
            message: error.to_string(),
            fault: error.fault(),
            missing,
            was_skipped,
            is_omitted: false,
            is_inapplicable: false,
        }
    }
}
