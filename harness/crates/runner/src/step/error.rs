//! Why a step could not be carried out.

use harness_model::judge::Undone;
use harness_model::scenario::template::TemplateError;
use harness_model::verdict::Fault;

use crate::exchange::ExchangeError;
use crate::targets::TargetError;
use crate::targets::forward::ForwardError;

/// Why a step could not be carried out. None of these says anything about what the target answers.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A variable has no value, or a template makes no sense.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The target's surroundings failed.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// No answer came.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// What a machine asks for cannot be passed on.
    #[error(transparent)]
    Forward(#[from] ForwardError),
    /// The step asks for a request that HTTP cannot express.
    #[error("the request cannot be sent: {0}")]
    Request(String),
    /// The sub-test names a machine that it does not declare.
    #[error("there is no machine `{0}`: declare it in `machines`")]
    Machine(String),
    /// The agent cannot be started.
    #[error("`{program}` cannot be started on {machine}: {cause}; check the agent's command")]
    Start {
        /// The program.
        program: String,
        /// The machine.
        machine: String,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A machine could not be brought into the state the sub-test begins with.
    #[error("{machine} could not be prepared: {cause}")]
    Preparation {
        /// The machine.
        machine: String,
        /// What was tried and what came.
        cause: String,
    },
    /// The control plane does not keep what the capability `wire` declares.
    #[error("the WireGuard peer {peer}: {cause}")]
    Wire {
        /// The kit's peer.
        peer: String,
        /// What was asked and what came.
        cause: String,
    },
    /// A step before this one could not be done.
    #[error("not run: an earlier step could not be done")]
    Earlier,
    /// A folder or listener on the kit's own side failed.
    #[error("{what}: {cause}")]
    Local {
        /// What was tried.
        what: String,
        /// What the system says.
        cause: std::io::Error,
    },
}

impl StepError {
    /// Who is to blame.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Template(_) | Self::Request(_) | Self::Machine(_) => Fault::Kit,
            Self::Exchange(error) | Self::Target(TargetError::Exchange(error)) => error.fault(),
            Self::Target(_)
            | Self::Forward(_)
            | Self::Start { .. }
            | Self::Preparation { .. }
            | Self::Wire { .. }
            | Self::Earlier
            | Self::Local { .. } => Fault::Environment,
        }
    }
}

impl From<StepError> for Undone {
    fn from(error: StepError) -> Self {
        let missing = match &error {
            StepError::Template(TemplateError::Missing { name, .. }) => Some(name.clone()),
            _ => None,
        };
        let left_out = matches!(error, StepError::Earlier);
        Self { message: error.to_string(), fault: error.fault(), missing, left_out }
    }
}
