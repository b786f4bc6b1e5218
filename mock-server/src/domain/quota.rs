//! How many machines an organisation may have (`headless/F.6`).

use super::Refusal;

/// How full an organisation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Machines there are.
    pub machines: i64,
    /// Machines there may be.
    pub limit: i64,
}

impl Quota {
    /// Accepts one machine more.
    pub fn admit(self) -> Result<(), Refusal> {
        if self.machines < self.limit {
            Ok(())
        } else {
            Err(Refusal::MachineLimitReached { limit: self.limit })
        }
    }
}
